//! Claims about the access matrix.

use super::*;
use crate::failure::Failure;

const TABLE: &str = "[[table]]\nname = \"t\"\ntenant = \"tenant_id\"\naccess.app = { select = \"tenant\", insert = \"tenant\", update = \"tenant\", delete = \"deny\" }\n";
const EXCEPTION: &str =
    "[[exception]]\ncheck = \"a-b\"\nobjects = [\"x\", \"y\"]\nreason = \"because\"\n";

fn read(text: &str) -> Result<Access> {
    Access::read(&Document {
        path: "spec/access.toml".into(),
        text: text.into(),
    })
}

fn refusal(text: &str) -> (Failure, (usize, usize)) {
    let failure = read(text).unwrap_err();
    let place = failure.excerpt.as_ref().expect("a place").position();
    (failure, place)
}

#[test]
fn a_role_has_the_listed_rules_and_no_others() {
    let access = read(&format!("root = \"t\"\nbypass = [\"boss\"]\n{TABLE}")).unwrap();
    let (table, other): (Name, Name) = ("t".parse().unwrap(), "other".parse().unwrap());
    assert_eq!(access.rule("app", &table, Command::Select), Rule::Tenant);
    assert_eq!(access.rule("app", &table, Command::Delete), Rule::Deny);
    assert_eq!(access.rule("stranger", &table, Command::Select), Rule::Deny);
    assert_eq!(access.rule("app", &other, Command::Select), Rule::Deny);
    assert_eq!(access.roles().into_iter().collect::<Vec<_>>(), ["app"]);
}

#[test]
fn all_four_commands_are_said_with_known_words() {
    let (failure, place) = refusal(&TABLE.replace(", delete = \"deny\"", ""));
    assert_eq!(place.0, 4);
    assert!(failure.error.contains("delete"), "{}", failure.error);
    let (failure, place) = refusal(&TABLE.replace("\"deny\"", "\"tenent\""));
    assert_eq!(
        (place, failure.hint.as_deref()),
        ((4, 82), Some("Did you mean `tenant`?"))
    );
    assert!(read(&TABLE.replace("delete", "truncate = \"deny\", delete")).is_err());
}

#[test]
fn a_rule_needs_its_column() {
    let (failure, place) = refusal(&TABLE.replace("tenant = \"tenant_id\"\n", ""));
    assert_eq!(place, (3, 25));
    assert!(failure.error.contains("SELECT") && failure.error.contains("`tenant`"));
    let own = TABLE.replace("update = \"tenant\"", "update = \"own\"");
    assert_eq!(refusal(&own).1, (4, 63));
    assert!(read(&own.replace("access", "owner = \"user_id\"\naccess")).is_ok());
    let open = "[[table]]\nname = \"t\"\naccess.app = { select = \"any\", insert = \"deny\", update = \"deny\", delete = \"deny\" }\n";
    assert!(read(open).is_ok());
}

#[test]
fn a_role_that_bypasses_has_no_rules() {
    let (failure, place) = refusal(&format!("bypass = [\"app\"]\n{TABLE}"));
    assert_eq!(place, (5, 8));
    assert!(failure.error.contains("\"app\""));
}

#[test]
fn the_root_table_is_listed() {
    assert_eq!(refusal(&format!("root = \"other\"\n{TABLE}")).1, (1, 8));
}

#[test]
fn what_is_given_twice_is_pointed_at() {
    assert_eq!(refusal(&format!("{TABLE}{TABLE}")).1, (6, 8));
    assert_eq!(refusal("bypass = [\"a\", \"a\"]\n").1, (1, 16));
    assert_eq!(refusal(&format!("{EXCEPTION}{EXCEPTION}")).1, (7, 12));
    assert_eq!(refusal(&EXCEPTION.replace("\"y\"", "\"x\"")).1, (3, 17));
    assert!(read(&format!("{EXCEPTION}{}", EXCEPTION.replace("a-b", "a-c"))).is_ok());
    let function = "[[function]]\nname = \"f(int)\"\ncallers = [\"app\"]\n";
    assert_eq!(refusal(&format!("{function}{function}")).1, (5, 8));
    let limit = "[[limit]]\nid = \"l\"\nobjects = [\"o\"]\ntext = \"t\"\n";
    assert_eq!(refusal(&format!("{limit}{limit}")).1, (6, 6));
    assert_eq!(
        refusal(&TABLE.replace("access", "immutable = [\"a\", \"a\"]\naccess")).1,
        (4, 19)
    );
}

#[test]
fn an_exception_names_objects_and_a_reason() {
    let access = read(EXCEPTION).unwrap();
    assert!(access.exception("a-b", "y").is_some() && access.exception("a-b", "z").is_none());
    assert_eq!(refusal(&EXCEPTION.replace("because", " ")).1, (4, 10));
    assert_eq!(
        refusal(&EXCEPTION.replace("[\"x\", \"y\"]", "[]")).1,
        (2, 9)
    );
    assert_eq!(refusal(&EXCEPTION.replace("\"y\"", "\"\"")).1, (3, 17));
    assert_eq!(refusal(&EXCEPTION.replace("a-b", "A b")).1, (2, 9));
}

#[test]
fn a_function_is_read_as_name_and_argument_types() {
    let function: Function = "public.f(public.vector, double precision, \"T\"[])"
        .parse()
        .unwrap();
    assert_eq!(
        function.arguments,
        ["public.vector", "double precision", "\"T\"[]"]
    );
    assert_eq!(
        function.to_string(),
        "public.f(public.vector, double precision, \"T\"[])"
    );
    assert!("f()".parse::<Function>().unwrap().arguments.is_empty());
    for text in [
        "f",
        "f(",
        "f(a",
        "f(a,)",
        "f(numeric(1,2))",
        "f(a;b)",
        "F()",
    ] {
        assert!(text.parse::<Function>().is_err(), "{text}");
    }
    assert_eq!(
        refusal("[[function]]\nname = \"f\"\ncallers = [\"app\"]\n").1,
        (2, 8)
    );
    assert_eq!(
        refusal("[[function]]\nname = \"f()\"\ncallers = []\n").1,
        (3, 11)
    );
}

#[test]
fn a_table_without_any_role_and_an_unknown_key_are_pointed_at() {
    assert_eq!(refusal("[[table]]\nname = \"t\"\n").1, (2, 8));
    assert_eq!(
        refusal(&TABLE.replace("tenant =", "tennant ="))
            .0
            .hint
            .as_deref(),
        Some("Did you mean `tenant`?")
    );
}
