use super::*;
use crate::finding::{Finding, Level};

fn one() -> Findings {
    Findings {
        called: "differences",
        command: "edu db verify".into(),
        target: "shop".into(),
        findings: vec![Finding {
            code: "table-forced".into(),
            level: Level::Critical,
            group: "public.\"a<b|c\"".into(),
            object: "table public.\"a<b|c\"".into(),
            message: "forced: expected yes, found no".into(),
            consequence: "queries run as the owner see every tenant".into(),
            hint: None,
            repair: Some("ALTER TABLE public.\"a<b|c\" FORCE ROW LEVEL SECURITY;".into()),
            path: None,
            place: None,
        }],
        notes: vec!["spec/catalog.json was used".into()],
    }
}

#[test]
fn every_format_names_the_object_and_escapes_it() {
    let json = render(&one(), Format::Json).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["clean"] == false);
    let sarif = render(&one(), Format::Sarif).unwrap();
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "table-forced");
    let junit = render(&one(), Format::Junit).unwrap();
    assert!(junit.contains("public.&quot;a&lt;b|c&quot;") && junit.contains("failures=\"1\""));
    let github = render(&one(), Format::Github).unwrap();
    assert!(github.starts_with("::error title=table-forced%3A table"));
    let markdown = render(&one(), Format::Markdown).unwrap();
    assert!(markdown.contains("a\\<b\\|c"));
    let text = render(&one(), Format::Text).unwrap();
    assert!(text.contains("queries run as the owner see every tenant [table-forced]"));
    assert!(text.ends_with("shop: differences: 1 that widen access"));
}

#[test]
fn nothing_found_is_said_in_every_format() {
    let none = Findings {
        findings: Vec::new(),
        ..one()
    };
    assert!(
        render(&none, Format::Text)
            .unwrap()
            .ends_with("shop: no differences")
    );
    assert!(
        render(&none, Format::Junit)
            .unwrap()
            .contains("failures=\"0\"")
    );
    assert!(
        render(&none, Format::Github)
            .unwrap()
            .starts_with("::notice")
    );
}

#[test]
fn an_output_is_a_format_and_perhaps_a_file() {
    let output: Output = "sarif=out/x.sarif".parse().unwrap();
    assert_eq!(output.file.unwrap().to_str(), Some("out/x.sarif"));
    assert!("yaml".parse::<Output>().is_err() && "json=".parse::<Output>().is_err());
}
