//! Claims about the vector spec.

use super::*;
use crate::failure::Failure;

const HNSW: &str = "[[index]]\nname = \"i\"\ntable = \"app.t\"\ncolumn = \"e\"\nmethod = \"hnsw\"\nopclass = \"vector_cosine_ops\"\n";

fn read(text: &str) -> Result<VectorSpec> {
    VectorSpec::read(&Document {
        path: "spec/vectors.toml".into(),
        text: text.into(),
    })
}

fn refusal(text: &str) -> (Failure, (usize, usize)) {
    let failure = read(text).unwrap_err();
    let place = failure.excerpt.as_ref().expect("a place").position();
    (failure, place)
}

#[test]
fn an_index_gets_pgvectors_defaults_and_its_tables_schema() {
    let spec = read(&format!(
        "[search]\niterative_scan = \"strict_order\"\n{HNSW}"
    ))
    .unwrap();
    assert_eq!(
        spec.iterative_scan.map(IterativeScan::as_str),
        Some("strict_order")
    );
    assert_eq!(spec.indexes[0].name.to_string(), "app.i");
    assert_eq!(
        spec.indexes[0].method,
        Method::Hnsw {
            m: 16,
            ef_construction: 64,
            ef_search: 40
        }
    );
}

#[test]
fn ivfflat_counts_its_lists_or_leaves_it_to_the_build() {
    let text = HNSW.replace("hnsw", "ivfflat");
    let lists = |more: &str| match read(&format!("{text}{more}")).unwrap().indexes[0].method {
        Method::Ivfflat { lists, .. } => lists,
        Method::Hnsw { .. } => panic!("ivfflat was asked for"),
    };
    assert_eq!(lists(""), Lists::Auto);
    assert_eq!(lists("lists = \"auto\"\n"), Lists::Auto);
    assert_eq!(lists("lists = 100\nprobes = 10\n"), Lists::Count(100));
}

#[test]
fn values_beyond_pgvectors_limits_are_pointed_at() {
    for (more, place) in [
        ("m = 1\n", (7, 5)),
        ("m = 101\n", (7, 5)),
        ("ef_construction = 1001\n", (7, 19)),
        ("m = 40\nef_construction = 79\n", (8, 19)),
        ("m = 64\n", (7, 5)),
        ("ef_search = 0\n", (7, 13)),
        ("recall_floor = 1.5\n", (7, 16)),
        ("recall_floor = 0.0\n", (7, 16)),
        ("predicate = \" \"\n", (7, 13)),
    ] {
        assert_eq!(refusal(&format!("{HNSW}{more}")).1, place, "{more}");
    }
}

#[test]
fn a_parameter_of_the_other_method_is_pointed_at() {
    assert_eq!(refusal(&format!("{HNSW}lists = 10\n")).1, (7, 9));
    let ivfflat = HNSW.replace("hnsw", "ivfflat");
    for (more, place) in [
        ("m = 16\n", (7, 5)),
        ("ef_construction = 64\n", (7, 19)),
        ("lists = 0\n", (7, 9)),
        ("lists = \"many\"\n", (7, 9)),
        ("lists = 5\nprobes = 6\n", (8, 10)),
    ] {
        assert_eq!(refusal(&format!("{ivfflat}{more}")).1, place, "{more}");
    }
}

#[test]
fn an_operator_class_must_exist_for_the_method() {
    let (failure, place) = refusal(&HNSW.replace("vector_cosine_ops", "vector_cosin_ops"));
    assert_eq!(place, (6, 11));
    assert_eq!(
        failure.hint.as_deref(),
        Some("Did you mean `vector_cosine_ops`?")
    );
    let l1 = HNSW.replace("vector_cosine_ops", "vector_l1_ops");
    assert!(read(&l1).is_ok());
    assert_eq!(refusal(&l1.replace("hnsw", "ivfflat")).1, (6, 11));
}

#[test]
fn an_index_is_on_one_column_or_one_expression() {
    assert_eq!(
        refusal(&format!("{HNSW}expression = \"e::halfvec(768)\"\n")).1,
        (2, 8)
    );
    assert_eq!(refusal(&HNSW.replace("column = \"e\"\n", "")).1, (2, 8));
    assert!(read(&HNSW.replace("column", "expression")).is_ok());
}

#[test]
fn a_name_given_twice_and_an_unknown_key_are_pointed_at() {
    let (failure, place) = refusal(&format!("{HNSW}{HNSW}"));
    assert_eq!(place, (8, 8));
    assert!(failure.detail[0].contains("line 2"));
    assert!(read(&format!("{HNSW}{}", HNSW.replace("app.", "other."))).is_ok());
    assert_eq!(
        refusal(&format!("{HNSW}ef_serch = 1\n")).0.hint.as_deref(),
        Some("Did you mean `ef_search`?")
    );
}
