use super::*;
use serde_json::json as j;

#[test]
fn a_create_fills_defaults_and_normalises() {
    let (plan, who) = (every(), me());
    let body = r#"{"name": "Ada", "mail": " Ada@Example.com ", "site": "www.3i.com", "topics": ["b", "a", "b", " "], "rank": 7.0, "amount": 12.5,
        "seen": "2026-11-20T10:55:00+01:00", "born": null, "phone": ""}"#;
    let values = plan.read(body.as_bytes(), &entry(&who)).unwrap();
    let seen = json(&plan, &values);
    assert_eq!(
        seen,
        j!({
            "id": values.id, "name": "Ada", "mail": "Ada@Example.com", "site": "https://www.3i.com", "phone": null,
            "amount": {"minor": 1250, "currency": "EUR"}, "rank": 7, "open": true, "born": null, "seen": "2026-11-20T09:55:00.000000Z",
            "stage": "lead", "topics": ["a", "b"], "parent": null, "owner": ME,
            "created_at": "2026-11-20T09:55:00.000000Z", "updated_at": "2026-11-20T09:55:00.000000Z", "created_by": ME, "version": 1
        })
    );
    let keys: Vec<&String> = seen.as_object().unwrap().keys().collect();
    assert_eq!(keys[..2], ["id", "name"]);
}

#[test]
fn all_faults_are_told_at_once() {
    let (plan, who) = (every(), me());
    let body = r#"{"naem": "x", "id": "y", "created_at": 1, "mail": "nobody", "site": "Official website", "phone": "no", "rank": 101, "open": "yes",
        "born": "2026-02-30", "seen": "yesterday", "stage": "wno", "topics": "a", "parent": "7", "owner": 7, "amount": {"minor": 1.5, "currency": "EUR"}}"#;
    assert_eq!(
        codes(plan.read(body.as_bytes(), &entry(&who))),
        [
            "naem/unknown",
            "id/unknown",
            "created_at/unknown",
            "mail/email",
            "site/url",
            "phone/phone",
            "rank/max",
            "open/type",
            "born/date",
            "seen/datetime",
            "stage/option",
            "topics/type",
            "parent/reference",
            "owner/type",
            "amount.minor/type",
            "name/required"
        ]
    );
    let error = plan.read(br#"{"naem": "x", "stage": "wno", "name": "x"}"#, &entry(&who)).unwrap_err();
    assert_eq!(error.faults()[0].message, "There is no such field. Did you mean name?");
    assert_eq!(error.faults()[1].message, "\"wno\" is no option. Did you mean \"won\"?");
}

#[test]
fn what_a_database_cannot_hold_or_a_client_doubts_is_refused() {
    let (plan, who) = (every(), me());
    let cases = [
        (r#"{"name": "a\u0000b"}"#, "name/nul"),
        (r#"{"name": "a", "topics": ["x\u0000"]}"#, "topics/nul"),
        (r#"{"name": "a", "topics": ["x;y"]}"#, "topics/tag"),
        (r#"{"name": "a", "name": "b"}"#, "name/duplicate"),
        (r#"{"name": "a", "amount": {"minor": 1, "minor": 2}}"#, "amount.minor/duplicate"),
        (r#"{"name": "a", "amount": {"minor": 1, "extra": 2}}"#, "amount.extra/unknown"),
        (r#"{"name": "a", "amount": {"minor": 1, "currency": "euro"}}"#, "amount.currency/currency"),
        (r#"{"name": "a", "amount": {"currency": "EUR"}}"#, "amount.minor/required"),
        (r#"{"name": "a", "amount": 1.234}"#, "amount/money"),
        (r#"{"name": "a", "rank": 1.5}"#, "rank/type"),
        (r#"{"name": "a", "rank": 9007199254740993}"#, "rank/max"),
        (r#"{"name": "aaaaaaaaaaaaaaaaaaaaa"}"#, "name/too-long"),
        (r#"{"name": "   "}"#, "name/required"),
        (r#"{"name": "a", "stage": "won"}"#, "stage/state"),
        (r#"{"name": "a", "parent": "0190A5C4-7B1A-7000-8000-000000000001"}"#, "parent/reference"),
    ];
    for (body, code) in cases {
        assert_eq!(codes(plan.read(body.as_bytes(), &entry(&who))), [code], "{body}");
    }
    assert!(plan.read(r#"{"name": "äöüäöüäöüäöüäöüäöüäö"}"#.as_bytes(), &entry(&who)).is_ok(), "20 characters, not bytes");
    let free = Entry { states: true, ..entry(&who) };
    assert!(plan.read(br#"{"name": "a", "stage": "won"}"#, &free).is_ok(), "who may import may set a state");
}

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let (plan, who) = (every(), me());
    let mut values = plan.read(br#"{"name": "a", "rank": 1, "topics": ["x"]}"#, &entry(&who)).unwrap();
    let names = |plan: &Plan, slots: Vec<usize>| slots.into_iter().map(|s| plan.name_of(s).to_owned()).collect::<Vec<_>>();
    let changed = plan.merge(br#"{"name": "a", "rank": null, "topics": null, "stage": "lead", "phone": null}"#, &entry(&who), &mut values).unwrap();
    assert_eq!(names(&plan, changed), ["rank", "topics"]);
    let before = values.clone();
    assert_eq!(codes(plan.merge(br#"{"rank": 3, "name": null}"#, &entry(&who), &mut values)), ["name/required"]);
    assert_eq!(codes(plan.merge(br#"{"rank": 3, "stage": "won"}"#, &entry(&who), &mut values)), ["stage/state"]);
    assert_eq!(codes(plan.merge(br#"{"version": 3}"#, &entry(&who), &mut values)), ["version/unknown"]);
    assert_eq!(values, before, "a refused patch leaves the record as it was");
    let locked: Vec<bool> = plan.fields().iter().map(|f| f.name == "rank").collect();
    let error = plan.merge(br#"{"rank": 3}"#, &Entry { locked: &locked, ..entry(&who) }, &mut values).unwrap_err();
    assert_eq!(error.code(), base::Code::Denied);
}

#[test]
fn a_move_goes_only_where_it_is_declared() {
    let (plan, who) = (every(), me());
    let mut values = plan.read(br#"{"name": "a"}"#, &entry(&who)).unwrap();
    assert_eq!(plan.go("fly", &mut values, &who).unwrap_err().code(), base::Code::NotFound);
    let error = plan.go("win", &mut values, &who).unwrap_err();
    assert_eq!((error.name(), error.detail()), ("move", "win needs: amount.minor > 0"), "absent money is unknown, and unknown refuses");
    plan.merge(br#"{"amount": 1}"#, &entry(&who), &mut values).unwrap();
    assert_eq!(plan.go("win", &mut values, &who).unwrap().event, "lab.thing.won");
    assert_eq!(values.cell(plan.slot("stage").unwrap()).text(), Some("won"));
    let error = plan.go("win", &mut values, &who).unwrap_err();
    assert_eq!(error.name(), "state");
    assert_eq!(error.more().unwrap(), &j!({"state": "won", "moves": ["lose"]}));
}

#[test]
fn the_log_can_be_played_back() {
    let (plan, who) = (every(), me());
    let first = plan.read(br#"{"name": "a", "rank": 1, "topics": ["x"], "amount": 1, "seen": "2026-11-20T09:55:00Z"}"#, &entry(&who)).unwrap();
    let mut second = first.clone();
    let changed = plan.merge(br#"{"rank": null, "topics": ["y"]}"#, &entry(&who), &mut second).unwrap();
    second.touch(who.now.plus_seconds(1));
    let update: serde_json::Value = serde_json::from_slice(&plan.updated(&first, &second, &changed)).unwrap();
    assert_eq!(update, j!({"before": {"rank": 1, "topics": ["x"]}, "after": {"rank": null, "topics": ["y"]}, "version": 2}));
    let mut played = None;
    plan.replay(&serde_json::from_slice(&plan.created(&first)).unwrap(), &mut played).unwrap();
    assert_eq!(played.as_ref(), Some(&first));
    plan.replay(&update, &mut played).unwrap();
    let played = played.unwrap();
    assert_eq!((played.version, played.differs(&second)), (2, Vec::new()));
    let mut deleted = None;
    plan.replay(&serde_json::from_slice(&plan.deleted(&second)).unwrap(), &mut deleted).unwrap();
    assert_eq!(deleted, Some(second));
    let mut data = update;
    let shown: Vec<bool> = plan.fields().iter().map(|f| f.name != "rank").collect();
    plan.redact(&mut data, &shown);
    assert_eq!(data, j!({"before": {"topics": ["x"]}, "after": {"topics": ["y"]}, "version": 2}));
}

#[test]
fn titles_of_references_stand_beside_the_record() {
    let (plan, who) = (every(), me());
    let values = plan.read(br#"{"name": "a"}"#, &entry(&who)).unwrap();
    let mut out = Vec::new();
    plan.write_values(&values, &[], &mut out);
    let (parent, owner) = (plan.slot("parent").unwrap(), plan.slot("owner").unwrap());
    plan.write_expanded(&[(parent, None, None), (owner, Some(ME), Some("Ada \"L\""))], &mut out);
    let seen: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(seen["expanded"], j!({"parent": null, "owner": {"id": ME, "title": "Ada \"L\""}}));
}
