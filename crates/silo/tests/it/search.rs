use crate::stage::for_each_engine;
use silo::{SearchQuery, Silo, cut_words};

async fn find(silo: &Silo, text: &str) -> Vec<String> {
    let q = SearchQuery { words: cut_words(text), resources: vec!["crm.companies".into(), "crm.people".into()], limit: 10, offset: 0 };
    silo.scan(move |tx| tx.search_find(&q)).await.unwrap().into_iter().map(|(_, id)| id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_find_records_in_the_promised_order() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        silo.write(|tx| {
            for (id, title, words) in [
                ("1", "Société Générale", "paris bank"),
                ("2", "General Electric", "boston"),
                ("3", "General", "x"),
                ("4", "Ilmarinen 東京 general-store", "it's \"quoted\" (a OR b) NEAR & | ! :* '"),
            ] {
                tx.search_put("crm.companies", id, title, words);
            }
            tx.search_put("crm.people", "5", "Nobody", "replaced");
            tx.search_put("crm.people", "5", "Jane Doe", "general manager");
            tx.search_put("secret.things", "6", "General", "");
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(find(&silo, "general").await, ["3", "2", "5", "4", "1"], "exact title, title prefix, newest");
        assert_eq!(find(&silo, "GÉNÉRAL bank").await, Vec::<String>::new(), "only the last word is a beginning");
        assert_eq!(find(&silo, "bank GÉNÉRAL").await, ["1"]);
        assert_eq!(find(&silo, "societe générale").await, ["1"]);
        assert_eq!(find(&silo, "東京").await, ["4"]);
        assert_eq!(find(&silo, "replaced").await, Vec::<String>::new());
        assert_eq!(find(&silo, "it's \"quoted\" (near) * & | ! :* '").await, ["4"]);
        assert_eq!(find(&silo, "a OR b").await, ["4"]);
        for nothing in ["", "  ", "!!", "'", "zzz"] {
            assert_eq!(find(&silo, nothing).await, Vec::<String>::new(), "{nothing:?}");
        }
        silo.write(|tx| {
            tx.search_remove("crm.companies", "3");
            tx.search_remove("crm.companies", "none");
            tx.search_put("crm.companies", "2", "Widget", "");
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(find(&silo, "general").await, ["5", "4", "1"]);
        assert_eq!(find(&silo, "wid").await, ["2"]);
        let failed = silo
            .write(|tx| {
                tx.search_put("crm.companies", "9", "Never", "");
                Err::<(), _>(base::Error::stale())
            })
            .await;
        assert!(failed.is_err());
        assert_eq!(find(&silo, "never").await, Vec::<String>::new());
        stage.end(&[silo.id()]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_can_be_a_condition_of_a_list() {
    for_each_engine(|stage| async move {
        let silo = stage.silo().await;
        silo.write(|tx| {
            for (id, name, size) in [("a", "red apple", 1), ("b", "green apple", 2), ("c", "pear", 3)] {
                tx.run(r#"INSERT INTO "things" ("id", "name", "size") VALUES (?1, ?2, ?3)"#, &[id.into(), name.into(), size.into()])?;
                tx.search_put("things", id, name, "fruit");
            }
            Ok(())
        })
        .await
        .unwrap();
        let found = silo
            .scan(|tx| {
                let (condition, more) = tx.search_condition(&cut_words("fruit app"), "things", 2);
                let mut p = vec![1.into()];
                p.extend(more);
                let sql = format!(r#"SELECT "id" FROM "things" WHERE "size" > ?1 AND {condition} ORDER BY "id""#);
                tx.rows(&sql, &p, |row| Ok(row.text(0)?.to_owned()))
            })
            .await
            .unwrap();
        assert_eq!(found, ["b"]);
        let (nothing, p) = silo.search_condition(&[], "things", 2);
        assert_eq!((nothing.as_str(), p.len()), ("1 = 0", 0));
        stage.end(&[silo.id()]).await;
    })
    .await;
}
