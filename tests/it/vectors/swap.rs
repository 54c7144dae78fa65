//! An index replaced under load.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::shop::{Shop, declared};

/// What a client went through.
#[derive(Default)]
struct Strain {
    done: AtomicU64,
    worst_ms: AtomicU64,
}

impl Strain {
    fn note(&self, took: Duration) {
        self.done.fetch_add(1, Ordering::Relaxed);
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.worst_ms.fetch_max(ms, Ordering::Relaxed);
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the worst stall is to be reported")]
fn a_rebuild_under_load_fails_no_query_and_leaves_no_moment_without_an_index() {
    let shop = Shop::new(&declared(""), 0);
    shop.clustered(3_000);
    shop.edu(&["db", "index"]).expect(0);
    let over = AtomicBool::new(false);
    let (readers, writers) = (Strain::default(), Strain::default());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut session = shop.db.session("postgres");
            while !over.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let plan = session.rows(
                    "EXPLAIN SELECT id FROM item ORDER BY e <=> array_fill(0.5, ARRAY[32])::vector LIMIT 5",
                );
                assert!(plan.iter().any(|row| row[0].contains("Index Scan using item_e")), "{plan:?}");
                session.run("SELECT id FROM item ORDER BY e <=> array_fill(0.5, ARRAY[32])::vector LIMIT 5");
                readers.note(begun.elapsed());
            }
        });
        scope.spawn(|| {
            let mut session = shop.db.session("postgres");
            let mut at = 0_u32;
            while !over.load(Ordering::Relaxed) {
                at += 1;
                let begun = Instant::now();
                session.run(&format!(
                    "UPDATE item SET tenant = tenant WHERE id = {}",
                    1 + at % 3_000
                ));
                writers.note(begun.elapsed());
            }
        });
        scope.spawn(|| {
            let mut session = shop.db.session("postgres");
            while !over.load(Ordering::Relaxed) {
                let valid = session.one(
                    "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                     WHERE c.relname LIKE 'item_e%' AND i.indisvalid",
                );
                assert_ne!(valid, "0");
            }
        });
        for m in ["8", "20"] {
            shop.project
                .write("spec/vectors.toml", &declared(&format!("m = {m}")));
            shop.edu(&["db", "index", "rebuild", "--memory", "64MB"])
                .expect(0);
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(shop.indexes(), ["item_e"]);
    let (reads, writes) = (readers.done.into_inner(), writers.done.into_inner());
    let (read_ms, write_ms) = (readers.worst_ms.into_inner(), writers.worst_ms.into_inner());
    println!("{reads} reads, worst {read_ms} ms; {writes} writes, worst {write_ms} ms");
    assert!(reads > 20 && writes > 20);
}
