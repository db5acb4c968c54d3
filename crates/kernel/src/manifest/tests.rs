use super::*;
use crate::records::install;

const CRM: &str = include_str!("../../../../packs/crm/manifest.json");
const FILES: [(&str, &str); 4] = [
    ("companies", include_str!("../../../../packs/crm/resources/companies.json")),
    ("people", include_str!("../../../../packs/crm/resources/people.json")),
    ("deals", include_str!("../../../../packs/crm/resources/deals.json")),
    ("activities", include_str!("../../../../packs/crm/resources/activities.json")),
];

fn told(result: Result<Manifest, Vec<ManifestFault>>) -> Vec<String> {
    result.map_or_else(|f| f.iter().map(ToString::to_string).collect(), |_| Vec::new())
}

/// The CRM with one piece of its manifest replaced.
fn broken(from: &str, to: &str) -> Vec<String> {
    assert!(CRM.contains(from), "{from}");
    told(Manifest::read(&CRM.replacen(from, to, 1), &FILES))
}

#[test]
fn the_crm_is_in_order() {
    let crm = Manifest::read(CRM, &FILES).unwrap_or_else(|f| panic!("{f:#?}"));
    let order: Vec<&str> = crm.resources.iter().map(|p| p.plural.as_str()).collect();
    assert_eq!(order, ["companies", "people", "deals", "activities"]);
    assert_eq!(crm.nav[0], Nav { resource: "companies".into(), label: "Companies".into(), path: "/crm/companies".into() });
    assert!(crm.declares("crm.deals:win") && crm.declares("crm.people:import") && !crm.declares("crm.deals:fly"));
    let read = crm.permissions.iter().find(|p| p.name == "crm.people:read").unwrap();
    assert_eq!((read.title.as_str(), read.roles.contains(&"billing".to_owned())), ("See people", false));
    assert!(crm.events().contains(&"crm.deal.won".to_owned()));
    let plans: Vec<&crate::records::Plan> = crm.resources.iter().map(AsRef::as_ref).collect();
    assert!(install(&plans).iter().any(|d| d.contains(r#""company" TEXT REFERENCES "crm_companies" ("id")"#)));
    check_together(&[&crm]).unwrap();
}

#[test]
fn every_mistake_names_its_file_and_line() {
    let cases = [
        ("\"icon\"", "\"icno\"", "manifest.json:7: Unknown key \"icno\". Did you mean \"icon\"?"),
        ("crm.deals:win\": {", "crm.dael:win\": {", "manifest.json:16: There is no resource \"crm.dael\". Did you mean crm.deals?"),
        ("crm.deals:win\": {", "erp.deals:win\": {", "manifest.json:16: \"erp.deals:win\" belongs to another module."),
        (
            "\"crm.companies:read\"",
            "\"crm.companies:raed\"",
            "manifest.json:25: There is no permission \"crm.companies:raed\". Did you mean \"crm.companies:read\"?",
        ),
        ("\"crm.companies:read\"", "\"erp.companies:read\"", "manifest.json:25: \"erp\" is not among the dependencies."),
        ("owner == actor.id", "ownr == actor.id", "manifest.json:27: \"ownr == actor.id\", column 1:"),
        ("\"sales\"", "\"owner\"", "manifest.json:22: There is a role \"owner\" already."),
        ("\"resource\": \"people\"", "\"resource\": \"poeple\"", "manifest.json:11: There is no resource \"poeple\"."),
        (
            "\"0.1.0\",\n  \"min_platform\": \"0.1.0\"",
            "\"0.1.0\",\n  \"min_platform\": \"9.1.0\"",
            "manifest.json:6: This module needs platform 9.1.0",
        ),
        ("\"activities\"]", "\"activities\", \"orders\"]", "manifest.json:8: There is no file resources/orders.json."),
        (", \"activities\"]", "]", "manifest.json:8: resources/activities.json is there but not listed."),
        ("\"version\": \"0.1.0\"", "\"version\": \"1\"", "manifest.json:5: \"1\" is not spelled as it must be here"),
        ("\"name\": \"crm\"", "\"name\": \"events\"", "\"events\" is a path of the platform."),
    ];
    for (from, to, message) in cases {
        let found = broken(from, to);
        assert!(found.iter().any(|f| f.contains(message)), "{message}\n{found:#?}");
    }
}

#[test]
fn a_reference_to_nothing_is_named_in_its_file() {
    let deals = FILES[2].1.replace("crm.people", "crm.poeple");
    let files = [FILES[0], FILES[1], ("deals", deals.as_str()), FILES[3]];
    assert_eq!(told(Manifest::read(CRM, &files)), ["resources/deals.json:9: There is no resource \"crm.poeple\". Did you mean \"crm.people\"?"]);
    let deals = FILES[2].1.replace("crm.people", "erp.people");
    let files = [FILES[0], FILES[1], ("deals", deals.as_str()), FILES[3]];
    assert!(told(Manifest::read(CRM, &files))[0].contains("not among the dependencies"));
}

fn module(name: &str, dependencies: &str) -> Manifest {
    let text = format!(
        "{{\"name\": {name:?}, \"title\": \"X\", \"version\": \"1.2.0\", \"min_platform\": \"0.1.0\",\n\"dependencies\": {{{dependencies}}}}}"
    );
    Manifest::read(&text, &[]).unwrap_or_else(|f| panic!("{f:?}"))
}

#[test]
fn modules_in_a_circle_are_refused() {
    let (a, b, c) = (module("a", "\"b\": \"1.0.0\""), module("b", "\"c\": \"1.0.0\""), module("c", "\"a\": \"1.0.0\""));
    let faults = check_together(&[&a, &b, &c]).unwrap_err();
    assert_eq!(faults.len(), 3);
    assert_eq!(faults[0].to_string(), "a/manifest.json:2: These modules need each other: a → b → c → a.");
    let lone = module("a", "\"a\": \"1.0.0\"");
    assert!(check_together(&[&lone]).unwrap_err()[0].message.contains("a → a"));
}

#[test]
fn a_missing_or_old_dependency_is_refused() {
    let (a, b) = (module("a", "\"b\": \"1.10.0\", \"d\": \"1.0.0\""), module("b", ""));
    let faults = check_together(&[&a, &b]).unwrap_err();
    assert_eq!(faults[0].message, "b 1.10.0 is needed; here is 1.2.0.");
    assert_eq!(faults[1].message, "There is no module \"d\".");
}

#[test]
fn the_sample_companies_fit_the_crm() {
    let crm = Manifest::read(CRM, &FILES).unwrap();
    let plan = crm.resource("companies").unwrap();
    let who = crate::records::tests::me();
    let entry = crate::records::tests::entry(&who);
    let mut reader = csv::Reader::from_reader(include_str!("../../../../packs/crm/sample/companies.csv").as_bytes());
    let header = reader.headers().unwrap().clone();
    let mut refused = std::collections::BTreeMap::<String, usize>::new();
    let mut rows = 0;
    for row in reader.records() {
        rows += 1;
        let row = row.unwrap();
        let cells = header.iter().zip(&row).filter_map(|(name, text)| Some((plan.slot(name)?, text)));
        let read: Result<Vec<_>, _> = cells.map(|(slot, text)| Ok((slot, plan.read_cell(slot, text, &entry)?))).collect();
        match read {
            Ok(cells) => drop(plan.enter(cells, &entry).unwrap()),
            Err::<_, base::Fault>(fault) => *refused.entry(fault.field).or_default() += 1,
        }
    }
    assert_eq!(rows, 1837);
    assert_eq!(refused.into_iter().collect::<Vec<_>>(), [("website".to_owned(), 160)], "only addresses that are none are refused");
}

#[test]
fn steps_of_a_migration_must_fit_what_is_declared() {
    let file = r#"{"name": "good", "plural": "goods", "title": "{name}", "fields": {"name": {"type": "text"}, "stage": {"type": "choice", "options": ["open"]}}}"#;
    let read = |steps: &str| {
        let text = format!(
            r#"{{"name": "shop", "title": "Shop", "version": "1.0.0", "min_platform": "0.1.0", "resources": ["goods"], "migrations": [{steps}]}}"#
        );
        Manifest::read(&text, &[("goods", file)])
    };
    let good = r#"{"rename": "goods.a", "to": "b"}, {"rename": "goods.b", "to": "name"}, {"drop": "goods.a"}, {"narrow": "goods.stage", "map": {"old": "open", "gone": null}}"#;
    assert_eq!(read(good).unwrap().migrations.len(), 4);
    for (steps, fault) in [
        (r#"{"rename": "goods.a", "to": "b"}"#, "goods.b is not declared."),
        (r#"{"rename": "goods.name", "to": "stage"}"#, "goods.name is still declared."),
        (r#"{"retire": "goods.name"}"#, "goods.name is still declared."),
        (r#"{"drop": "goods.a"}"#, "goods.a was neither renamed nor retired before."),
        (r#"{"retire": "godos.a"}"#, "Did you mean \"goods\"?"),
        (r#"{"narrow": "goods.stgae"}"#, "Did you mean \"stage\"?"),
        (r#"{"narrow": "goods.stage", "map": {"a": "b"}}"#, "\"a\" cannot become \"b\""),
        (r#"{"rename": "goods.a"}"#, "not valid under any of the schemas"),
        (r#"{"remove": "goods.a"}"#, "not valid under any of the schemas"),
    ] {
        let faults = told(read(steps));
        assert!(faults.iter().any(|said| said.contains(fault)), "{steps}: {faults:?}");
    }
}

/// Each fault stands on a line of its file.
fn lines_are_there(manifest: &str, deals: &str) {
    let files = FILES.map(|(name, text)| if name == "deals" { (name, deals) } else { (name, text) });
    for fault in Manifest::read(manifest, &files).err().unwrap_or_default() {
        let text = if fault.file.ends_with("deals.json") { deals } else { manifest };
        let other = fault.file.contains("resources/") && !fault.file.ends_with("deals.json");
        assert!(other || (1..=text.lines().count().max(1) + 1).contains(&fault.line), "{fault}");
        assert!(!fault.message.is_empty());
    }
}

#[test]
fn fuzz_large_files_are_refused_soon() {
    for text in crate::fuzz::large() {
        crate::fuzz::soon(&text, || Manifest::read(&text, &FILES).is_err());
        crate::fuzz::soon(&text, || crate::records::Plan::compile("crm", &text).is_err());
        crate::fuzz::soon(&text, || Manifest::read(CRM, &FILES.map(|(name, _)| (name, text.as_str()))).is_err());
    }
}

proptest::proptest! {
    #[test]
    fn fuzz_a_broken_manifest_names_its_lines(text in crate::fuzz::texts(CRM)) {
        lines_are_there(&text, FILES[2].1);
    }

    #[test]
    fn fuzz_a_broken_resource_names_its_lines(text in crate::fuzz::texts(FILES[2].1)) {
        lines_are_there(CRM, &text);
    }
}
