//! The CRM's default lists are served by indexes: no page is sorted or searched by looking at every row.

use super::{stage::on_sqlite, *};
use crate::manifest::Manifest;

static CRM: std::sync::LazyLock<Manifest> = std::sync::LazyLock::new(|| {
    let files = [
        ("companies", include_str!("../../../../../packs/crm/resources/companies.json")),
        ("people", include_str!("../../../../../packs/crm/resources/people.json")),
        ("deals", include_str!("../../../../../packs/crm/resources/deals.json")),
        ("activities", include_str!("../../../../../packs/crm/resources/activities.json")),
    ];
    Manifest::read(include_str!("../../../../../packs/crm/manifest.json"), &files).unwrap_or_else(|f| panic!("{f:#?}"))
});

/// What SQLite says it will do, one step a line. (PostgreSQL reads an almost empty table in one go, whatever indexes there are.)
fn explained(tx: &mut silo::Tx<'_>, statement: &Statement<'_>) -> base::Result<String> {
    let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
    Ok(tx.rows(&sql, &statement.params, |row| row.text(3).map(str::to_owned))?.join("\n"))
}

#[test]
fn every_column_of_a_default_list_is_sorted_by_an_index() {
    let plans: Vec<&Plan> = CRM.resources.iter().map(AsRef::as_ref).collect();
    on_sqlite(&install(&plans), |silo| async move {
        silo.read(|tx| {
            let who = me();
            let id = base::new_id();
            for plan in CRM.resources.iter() {
                for slot in plan.views.list.iter().filter(|slot| plan.field(**slot).is_some_and(|f| f.sort_column().is_some())) {
                    for sign in ["", "-"] {
                        let sort = format!("{sign}{}", plan.name_of(*slot));
                        let query = Query::parse(plan, [("sort", sort.as_str())], &[])?;
                        let number = matches!(plan.field(*slot).unwrap().kind, Kind::Money | Kind::Integer { .. } | Kind::Datetime);
                        let value = match (&plan.field(*slot).unwrap().kind, number) {
                            (Kind::Boolean, _) => serde_json::json!(true),
                            (_, true) => serde_json::json!(1),
                            (_, false) => serde_json::json!("x"),
                        };
                        for after in [None, Some(serde_json::json!([value, id])), Some(serde_json::json!([null, id]))] {
                            let after = after.map(|a| a.to_string().into_bytes());
                            for Part { rows: part, .. } in plan.list(&query, after.as_deref(), &Scope { only: &[], who: &who }, None)?.parts {
                                let steps = explained(tx, &part)?;
                                let own: Vec<&str> =
                                    steps.lines().filter(|l| l.contains(&format!("{} ", plan.table)) || l.contains("B-TREE")).collect();
                                assert!(own.iter().any(|l| l.contains("USING INDEX")), "{sort}: {}\n{steps}", part.sql);
                                let sorted = own.iter().any(|l| l.contains("TEMP B-TREE FOR ORDER BY"));
                                assert!(!sorted, "{} {sort}: {}\n{steps}", plan.resource, part.sql);
                            }
                        }
                    }
                }
            }
            Ok(())
        })
        .await
    });
}

#[test]
fn a_list_in_an_order_that_an_index_knows_and_by_a_field_that_none_does_looks_up_few_rows_one_by_one() {
    let plans: Vec<&Plan> = CRM.resources.iter().map(AsRef::as_ref).collect();
    on_sqlite(&install(&plans), |silo| async move {
        silo.read(|tx| {
            let who = me();
            let plan = CRM.resources.iter().find(|plan| plan.plural == "companies").unwrap();
            let page = |filter: &str, sort: &str, after: Option<serde_json::Value>| {
                let query = Query::parse(plan, [("filter", filter), ("sort", sort)], &[])?;
                let after = after.map(|a| a.to_string().into_bytes());
                plan.list(&query, after.as_deref(), &Scope { only: &[], who: &who }, None).map(|select| select.parts)
            };
            let id = base::new_id();
            for sort in ["name", "-website"] {
                for after in [None, Some(serde_json::json!(["x", id]))] {
                    for part in page("products == \"x\"", sort, after)? {
                        let (glance, rows) = (explained(tx, part.glance.as_ref().unwrap())?, explained(tx, &part.rows)?);
                        assert!(glance.contains("USING INDEX crm_companies_"), "{glance}");
                        assert!(rows.contains("SCAN crm_companies") && !rows.contains("crm_companies USING INDEX"), "{}\n{rows}", part.rows.sql);
                    }
                }
            }
            for (filter, sort) in [
                ("owner == \"x\"", "name"),
                ("products == \"x\"", "id"),
                ("products == \"x\"", "name,-website"),
                ("", "name"),
                ("\"x\" in industries", "name"),
            ] {
                assert!(page(filter, sort, None)?.iter().all(|part| part.glance.is_none()), "{filter} {sort}");
            }
            Ok(())
        })
        .await
    });
}
