//! How much memory building a vector index takes, and how big the index becomes.
//!
//! The sums follow pgvector's own structures (`hnsw.h`, `ivfflat.h`) and were checked against the row
//! at which it says that the graph no longer fits.

use crate::spec::vectors::Method;

/// What PostgreSQL keeps free of `maintenance_work_mem` in a parallel build. Units: bytes.
/// Source: pgvector, `HnswBeginParallel` (3 MB beside the graph, and the allocator's own rest).
const PARALLEL_RESERVE_BYTES: u64 = 4 << 20;

/// A page without its header and special space. Units: bytes. Source: `BLCKSZ`, `PageHeaderData`.
const PAGE_ROOM_BYTES: u64 = 8192 - 24 - 8;

/// The element type of an indexed vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// `vector`: 4 bytes per dimension.
    Vector,
    /// `halfvec`: 2 bytes per dimension.
    Halfvec,
    /// `bit`: one bit per dimension.
    Bit,
    /// `sparsevec`: 8 bytes per value that is not zero; `dims` counts those.
    Sparsevec,
}

impl Element {
    /// The type that an operator class is for, by the class's name.
    pub fn of_opclass(opclass: &str) -> Self {
        match opclass.split('_').next() {
            Some("halfvec") => Self::Halfvec,
            Some("bit") => Self::Bit,
            Some("sparsevec") => Self::Sparsevec,
            _ => Self::Vector,
        }
    }

    /// The stored value's size. Units: bytes.
    pub const fn bytes(self, dims: u32) -> u64 {
        let dims = dims as u64;
        match self {
            Self::Vector => 8 + 4 * dims,
            Self::Halfvec => 8 + 2 * dims,
            Self::Bit => 8 + dims.div_ceil(8),
            Self::Sparsevec => 16 + 8 * dims,
        }
    }
}

/// What decides an index's memory and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The element type.
    pub element: Element,
    /// Dimensions; for sparse vectors, how many values are not zero on average.
    pub dims: u32,
    /// The method with its parameters.
    pub method: Method,
}

/// Rounds up to the allocator's unit of eight bytes.
const fn aligned(bytes: u64) -> u64 {
    bytes.next_multiple_of(8)
}

impl Shape {
    /// Memory that one row takes while the graph is built. Units: bytes. A serial build allocates a
    /// little more per row, because each allocation has a header.
    pub fn bytes_per_row(&self, parallel: bool) -> f64 {
        let value = aligned(self.element.bytes(self.dims));
        let Method::Hnsw { m, .. } = self.method else {
            return value as f64;
        };
        let m = u64::from(m);
        let upper = (m - 1) as f64;
        let mut bytes = (128 + 8 + aligned(8 + 32 * m) + value) as f64;
        bytes += (8 + aligned(8 + 16 * m)) as f64 / upper;
        if !parallel {
            bytes += 32.0 + 8.0 / upper;
        }
        bytes
    }

    /// The `maintenance_work_mem` in which `rows` rows fit. Units: bytes.
    pub fn wanted_bytes(&self, rows: u64, parallel: bool) -> u64 {
        let rows = match self.method {
            Method::Hnsw { .. } => rows as f64,
            // k-means looks at fifty samples per list; the rest is an ordinary sort.
            Method::Ivfflat { lists, .. } => {
                (50.0 * f64::from(lists_of(lists, rows))).max(10_000.0)
            }
        };
        let reserve = if parallel {
            PARALLEL_RESERVE_BYTES
        } else {
            1 << 20
        };
        (rows * self.bytes_per_row(parallel) * 1.03) as u64 + reserve
    }

    /// How many rows fit into `memory_bytes` of `maintenance_work_mem`; `None` where the method does
    /// not keep its rows in memory.
    pub fn rows_that_fit(&self, memory_bytes: u64, parallel: bool) -> Option<u64> {
        let Method::Hnsw { .. } = self.method else {
            return None;
        };
        let reserve = if parallel { PARALLEL_RESERVE_BYTES } else { 0 };
        let room = memory_bytes.saturating_sub(reserve);
        Some((room as f64 / self.bytes_per_row(parallel)) as u64)
    }

    /// The finished index's size. Units: bytes.
    pub fn index_bytes(&self, rows: u64) -> u64 {
        let value = self.element.bytes(self.dims);
        let tuple = match self.method {
            // Element tuple (72 bytes beside the value) and neighbour tuple, each with a line pointer.
            Method::Hnsw { m, .. } => aligned(72 + value) + aligned(4 + 12 * u64::from(m)) + 8,
            Method::Ivfflat { .. } => aligned(8 + value) + 4,
        };
        let pages = if tuple > PAGE_ROOM_BYTES {
            rows * 2
        } else {
            rows.div_ceil(PAGE_ROOM_BYTES / tuple)
        };
        (pages + 2) * 8192
    }
}

/// How many lists an ivfflat index over `rows` rows gets. Source: pgvector's README: rows / 1000 up
/// to a million rows, the square root beyond.
pub fn lists_of(lists: crate::spec::vectors::Lists, rows: u64) -> u32 {
    use crate::spec::vectors::Lists;
    let wanted = match lists {
        Lists::Count(count) => return count,
        Lists::Auto if rows <= 1_000_000 => rows / 1_000,
        Lists::Auto => rows.isqrt(),
    };
    u32::try_from(wanted.clamp(1, 32_768)).unwrap_or(1)
}

/// The dimensions in an expression's cast: `embedding::halfvec(3072)` has 3072.
pub fn dims_in(expression: &str) -> Option<u32> {
    let lower = expression.to_ascii_lowercase();
    ["halfvec(", "sparsevec(", "vector(", "bit("]
        .iter()
        .find_map(|kind| {
            let rest = lower.get(lower.rfind(kind)? + kind.len()..)?;
            rest.split_once(')')?.0.trim().parse().ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::vectors::Lists;

    fn shape(element: Element, m: u32) -> Shape {
        Shape {
            element,
            dims: 768,
            method: Method::Hnsw {
                m,
                ef_construction: 200,
                ef_search: 40,
            },
        }
    }

    #[test]
    fn the_row_at_which_the_server_ran_out_of_memory_is_foreseen_within_three_per_cent() {
        for (element, seen) in [(Element::Vector, 16_753), (Element::Halfvec, 28_360)] {
            let fit = shape(element, 16).rows_that_fit(64 << 20, true).unwrap();
            let error = (fit as f64 / f64::from(seen) - 1.0).abs();
            assert!(error < 0.03, "{element:?}: {fit} against {seen}");
        }
    }

    #[test]
    fn what_is_wanted_for_some_rows_is_enough_for_them() {
        for (rows, m) in [(1_000, 4), (30_000, 16), (5_000_000, 48)] {
            let shape = shape(Element::Vector, m);
            for parallel in [true, false] {
                let memory = shape.wanted_bytes(rows, parallel);
                assert!(shape.rows_that_fit(memory, parallel).unwrap() >= rows);
            }
        }
    }

    #[test]
    fn an_operator_class_names_its_element_type() {
        assert_eq!(Element::of_opclass("halfvec_cosine_ops"), Element::Halfvec);
        assert_eq!(Element::of_opclass("bit_hamming_ops"), Element::Bit);
        assert_eq!(Element::of_opclass("vector_l2_ops"), Element::Vector);
    }

    #[test]
    fn a_cast_tells_its_dimensions() {
        assert_eq!(dims_in("embedding::halfvec(3072)"), Some(3072));
        assert_eq!(dims_in("binary_quantize(e)::bit(768)"), Some(768));
        assert_eq!(dims_in("f(embedding)"), None);
    }

    #[test]
    fn lists_follow_the_number_of_rows() {
        assert_eq!(lists_of(Lists::Auto, 0), 1);
        assert_eq!(lists_of(Lists::Auto, 500_000), 500);
        assert_eq!(lists_of(Lists::Auto, 4_000_000), 2_000);
        assert_eq!(lists_of(Lists::Count(7), 4_000_000), 7);
    }
}
