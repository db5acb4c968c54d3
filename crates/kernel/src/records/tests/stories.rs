use super::{
    cells::{PLAN, values},
    stage::{get, insert, on_every_engine},
    *,
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::json as j;

fn some(n: usize) -> Vec<Values> {
    let mut runner = TestRunner::deterministic();
    let one = values(&PLAN);
    let clean = |mut v: Values| {
        // Ids of other records and members would have to be there; the mail is unique.
        v.set(PLAN.slot("parent").unwrap(), Cell::Null);
        v.set(PLAN.slot("owner").unwrap(), Cell::Text(ME.to_owned()));
        v.set(PLAN.slot("mail").unwrap(), Cell::Text(format!("{}@x.de", v.id)));
        v
    };
    (0..n).map(|_| clean(one.new_tree(&mut runner).unwrap().current())).collect()
}

#[test]
fn a_record_comes_back_as_it_was_written_and_as_the_same_bytes() {
    on_every_engine(&install(&[&PLAN]), |silo| async move {
        // A unit each: on a busy machine all of them would take longer than one may.
        for record in some(60) {
            silo.write(move |tx| {
                insert(tx, &PLAN, &record)?;
                assert_eq!(get(tx, &PLAN, &record.id)?.as_ref(), Some(&record));
                let (mut straight, mut detour) = (Vec::new(), Vec::new());
                tx.row(PLAN.select_one(), &[(&record.id).into()], |row| PLAN.write_row(row, &[], &mut straight))?;
                PLAN.write_values(&record, &[], &mut detour);
                assert_eq!(String::from_utf8(straight), String::from_utf8(detour));
                Ok(())
            })
            .await?;
        }
        Ok(())
    });
}

#[test]
fn an_update_writes_every_changed_field_and_a_delete_leaves_nothing() {
    on_every_engine(&install(&[&PLAN]), |silo| async move {
        silo.write(|tx| {
            let records = some(40);
            for pair in records.chunks(2) {
                let [before, after] = pair else { continue };
                insert(tx, &PLAN, before)?;
                let mut next = Values { id: before.id.clone(), ..after.clone() };
                let changed = next.differs(before);
                next.touch(next.updated_at.plus_seconds(1));
                next.created_at = before.created_at;
                for statement in PLAN.update(&next, &changed) {
                    statement.run(tx)?;
                }
                assert_eq!(get(tx, &PLAN, &next.id)?.as_ref(), Some(&next));
                for statement in PLAN.delete(&next.id) {
                    statement.run(tx)?;
                }
                assert_eq!(get(tx, &PLAN, &next.id)?, None);
            }
            let left = tx.row("SELECT COUNT(*) FROM \"lab_things__topics\"", &[], |row| row.int(0))?;
            assert_eq!(left, Some(0));
            Ok(())
        })
        .await
    });
}

#[test]
fn unique_fields_and_references_have_a_net_below() {
    on_every_engine(&install(&[&PLAN]), |silo| async move {
        let who = me();
        let made = |body: &str| PLAN.read(body.as_bytes(), &entry(&who)).unwrap();
        let (first, second) = (made(r#"{"name": "a", "mail": "Ada@X.de"}"#), made(r#"{"name": "b", "mail": "ada@x.DE"}"#));
        let lost = made(r#"{"name": "c", "parent": "0190a5c4-7b1a-7000-8000-000000000077"}"#);
        let id = first.id.clone();
        silo.write(move |tx| insert(tx, &PLAN, &first)).await?;
        assert_eq!(silo.write(move |tx| insert(tx, &PLAN, &second)).await.unwrap_err().name(), "duplicate");
        assert_eq!(silo.write(move |tx| insert(tx, &PLAN, &lost)).await.unwrap_err().code(), base::Code::Conflict);
        silo.read(move |tx| {
            let mail = PLAN.slot("mail").unwrap();
            let key = PLAN.field(mail).unwrap().key_of(&Cell::Text("ADA@x.de".into()));
            let found = tx.rows(&PLAN.select_by_key(mail), &[key], |row| PLAN.from_row(row, 0))?;
            assert_eq!(found.iter().map(|v| &v.id).collect::<Vec<_>>(), [&id]);
            Ok(())
        })
        .await
    });
}

#[test]
fn titles_and_referrers_are_found_within_what_one_may_see() {
    on_every_engine(&install(&[&PLAN]), |silo| async move {
        let who = me();
        let made = |body: serde_json::Value| PLAN.read(body.to_string().as_bytes(), &entry(&who)).unwrap();
        let root = made(j!({"name": "root"}));
        let ranks = [1, 2, 3].map(|rank| made(j!({"name": format!("leaf {rank}"), "rank": rank, "parent": root.id})));
        silo.write(move |tx| {
            insert(tx, &PLAN, &root)?;
            ranks.iter().try_for_each(|r| insert(tx, &PLAN, r))?;
            let (all, few) = (me(), PLAN.expression("rank > 1").unwrap());
            let scope = Scope { only: &[&few], who: &all };
            let parent = PLAN.slot("parent").unwrap();
            let found = PLAN.referrers(parent, &root.id, &scope, 10);
            let found = tx.rows(&found.sql, &found.params, |row| PLAN.title_row(row))?;
            assert_eq!(found.iter().map(|(_, title)| title.as_str()).collect::<Vec<_>>(), ["leaf 2", "leaf 3"]);
            let ids: Vec<&str> = ranks.iter().map(|r| r.id.as_str()).collect();
            let titles = PLAN.titles(&ids, &scope);
            assert_eq!(tx.rows(&titles.sql, &titles.params, |row| PLAN.title_row(row))?.len(), 2);
            assert_eq!(tx.rows(&PLAN.referring(parent), &[(&root.id).into()], |row| row.text(0).map(str::to_owned))?, ids);
            assert_eq!(PLAN.title(&root), "root");
            Ok(())
        })
        .await
    });
}

#[test]
fn figures_are_kept_apart_by_group_and_by_currency() {
    on_every_engine(&install(&[&PLAN]), |silo| async move {
        let who = me();
        let rows = [
            j!({"name": "a", "rank": 1, "amount": {"minor": 100, "currency": "EUR"}, "born": "2026-01-02"}),
            j!({"name": "b", "rank": 2, "amount": {"minor": 50, "currency": "EUR"}, "born": "2026-01-01"}),
            j!({"name": "c", "amount": {"minor": 7, "currency": "JPY"}}),
            j!({"name": "d", "stage": "won", "rank": 5}),
            j!({"name": "e", "stage": "won", "open": false}),
        ];
        let rows = rows.map(|r| PLAN.read(r.to_string().as_bytes(), &Entry { states: true, ..entry(&who) }).unwrap());
        silo.write(move |tx| {
            rows.iter().try_for_each(|r| insert(tx, &PLAN, r))?;
            let who = me();
            let mut asked = |body: serde_json::Value| {
                let what = Aggregate::parse(&PLAN, body.to_string().as_bytes(), &[]).unwrap();
                let bytes = PLAN.aggregate(tx, &what, &Scope { only: &[], who: &who }).unwrap();
                serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()["items"].clone()
            };
            let eur = |minor: i64| j!([{"minor": minor, "currency": "EUR"}]);
            let both = j!([{"minor": 150, "currency": "EUR"}, {"minor": 7, "currency": "JPY"}]);
            assert_eq!(
                asked(j!({"group_by": ["stage"], "sum": ["amount", "rank"], "min": ["born"], "max": ["amount"]})),
                j!([
                    {"group": {"stage": "lead"}, "count": 3, "sum": {"amount": both, "rank": 3}, "min": {"born": "2026-01-01"},
                     "max": {"amount": [{"minor": 100, "currency": "EUR"}, {"minor": 7, "currency": "JPY"}]}},
                    {"group": {"stage": "won"}, "count": 2, "sum": {"amount": [], "rank": 5}, "min": {"born": null}, "max": {"amount": []}},
                ])
            );
            assert_eq!(asked(j!({"filter": "rank == 1", "sum": ["amount"]})), j!([{"group": {}, "count": 1, "sum": {"amount": eur(100)}}]));
            assert_eq!(asked(j!({"filter": "rank > 50", "count": true})), j!([{"group": {}, "count": 0}]));
            assert_eq!(asked(j!({"group_by": ["open", "stage"], "filter": "stage == \"won\""})).as_array().unwrap().len(), 2);
            Ok(())
        })
        .await
    });
}

#[test]
fn an_older_table_grows_into_the_new_declaration() {
    let old = r#"{"name": "thing", "plural": "things", "title": "{name}", "fields": {"name": {"type": "text", "required": true, "max": 20}}}"#;
    let old: &'static Plan = Box::leak(Box::new(Plan::compile("lab", old).unwrap()));
    on_every_engine(&install(&[old]), |silo| async move {
        let who = me();
        let record = old.read(r#"{"name": "Ärger"}"#.as_bytes(), &entry(&who)).unwrap();
        silo.write(move |tx| {
            insert(tx, old, &record)?;
            migrate(&[&PLAN], &[], &columns(&[old], 0))?.run(tx)?;
            let now = get(tx, &PLAN, &record.id)?.unwrap();
            assert_eq!(now.cell(PLAN.slot("stage").unwrap()).text(), Some("lead"), "the default of a new field");
            let name = PLAN.slot("name").unwrap();
            let found = tx.rows(&PLAN.select_by_key(name), &["arger".into()], |row| PLAN.from_row(row, 0))?;
            assert_eq!(found.len(), 1, "its key was filled");
            some(3).iter().try_for_each(|r| insert(tx, &PLAN, r))
        })
        .await
    });
}

#[test]
fn tables_are_dropped_as_they_were_made() {
    on_every_engine(&install(&[&PLAN]), |silo| async move {
        silo.write(|tx| {
            some(3).iter().try_for_each(|r| insert(tx, &PLAN, r))?;
            tx.ddl(&purge(&[&PLAN]).join(";\n"))?;
            tx.ddl(&install(&[&PLAN]).join(";\n"))
        })
        .await
    });
}
