//! CSV files.

use super::{Before, app, encoded, faults, problem, raw};
use http::Method;
use testkit::ADMIN;

#[tokio::test]
async fn a_file_that_is_wrong_as_a_whole_is_refused_before_the_first_row() {
    let app = app().await;
    let before = Before::of(&app).await;
    let path = "/api/v1/crm/companies:import?key=name";
    let wide =
        |columns: usize| format!("name,{}\nx{}\n", (1..columns).map(|n| format!("c{n}")).collect::<Vec<_>>().join(","), ",".repeat(columns - 1));
    for (file, code, says) in [
        (b"name\n\"never closed\nx\n".to_vec(), "quotes", "line 2"),
        (b"name,country\nGood,\"USA\nBad,\"x\n\n".to_vec(), "quotes", "line 3"),
        (b"name\n\"a\"b\n".to_vec(), "quotes", "line 2"),
        (b"\xef\xbb\xbf\"name\nx\n".to_vec(), "quotes", "line 1"),
        (b"name\nGood\nSoci\xe9t\xe9\n".to_vec(), "encoding", "Line 3"),
        (b"\xff\xfen\0a\0m\0e\0\n\0".to_vec(), "nul", "Line 1"),
        (wide(10_000).into_bytes(), "invalid", "10000 columns"),
        (wide(201).into_bytes(), "invalid", "201 columns"),
        (Vec::new(), "invalid", "first line"),
        (b"\n\n".to_vec(), "invalid", "first line"),
        (b"x,y,z\n1,2,3\n".to_vec(), "invalid", "map"),
        (b"country\nUSA\n".to_vec(), "invalid", "name"),
        (b"name,name\na,b\n".to_vec(), "invalid", "name"),
    ] {
        let answer = raw(&app, Method::POST, path, "text/csv", file).await;
        problem(&answer, 400, code);
        assert!(answer.text().contains(says), "{says}: {}", answer.text());
    }
    for (query, fault) in [
        ("key=nmae", "key unknown"),
        ("map=x:name", "map unknown"),
        ("map=name:nmae", "map unknown"),
        ("map=name", "map shape"),
        ("map=name:name,country:name", "map duplicate"),
        ("key=symbol&map=name:name", "key unmapped"),
        ("dry_run=maybe", "dry_run boolean"),
        ("dryrun=true", "dryrun unknown"),
    ] {
        let answer = app.import(ADMIN, &format!("/api/v1/crm/companies:import?{query}"), "name,country\nx,y\n").await;
        assert_eq!((answer.status.as_u16(), faults(&answer)), (400, vec![fault.to_owned()]), "{query}: {}", answer.text());
    }
    before.is_unchanged(&app, "wrong files").await;
    let folders = std::fs::read_dir(app.app.config().data.join("spool")).unwrap().map(|folder| folder.unwrap().path());
    let left: Vec<_> = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).collect();
    assert!(left.is_empty(), "nothing stays in the spool: {left:?}");
    app.import(ADMIN, path, &wide(200)).await.expect(200);
}

#[tokio::test]
async fn a_bad_cell_rejects_its_row_and_says_which() {
    let app = app().await;
    let csv = "name,website,industries,phone,revenue\n\
Good,example.com,A; B,+1 555 0100,1 billion\n\
,example.org,,,\n\
Bad site,javascript:alert(1),,,\n\
Bad phone,,,call me,\n\
Twice,,,,\n\
TWICE,,,,\n\
Formula,,,,=1+1\n\
Guarded,,,,'=1+1\n\
Short\n\
Long,,,,,,,extra\n";
    let done = app.import(ADMIN, "/api/v1/crm/companies:import?key=name", csv).await.expect(200);
    let rejected: Vec<(u64, &str)> =
        done["rejected"].as_array().unwrap().iter().map(|r| (r["row"].as_u64().unwrap(), r["field"].as_str().unwrap())).collect();
    assert_eq!(rejected, [(3, "name"), (4, "website"), (5, "phone"), (6, "name"), (7, "name")], "{}", done.text());
    assert_eq!(done["created"], 5);
    let revenue = |name: &str| format!("/api/v1/crm/companies?filter={}", encoded(&format!("name == \"{name}\"")));
    for name in ["Formula", "Guarded"] {
        assert_eq!(app.get(ADMIN, &revenue(name)).await["items"][0]["revenue"], "=1+1", "{name}: what an export guards, an import takes off");
    }
    let too_large = vec![b'x'; (64 << 20) + 1];
    problem(&raw(&app, Method::POST, "/api/v1/crm/companies:import", "text/csv", too_large).await, 413, "too-large");
    let bom = app.import(ADMIN, "/api/v1/crm/companies:import", "\u{feff}name\nWith a mark\n").await.expect(200);
    assert_eq!(bom["created"], 1);
}
