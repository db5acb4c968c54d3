//! The version before this one: its data is opened, and it works on what this one has made of it.

use crate::{
    serving::{Place, this_binary},
    shop,
};
use serde_json::json;
use server::{
    door::{Answer, Asked, Door},
    people,
};
use std::{
    path::{Path, PathBuf},
    process::Command,
};
use testkit::on_postgres;

const EMAIL: &str = "ada@before.test";
const PASSWORD: &str = "a long sentence to sign in with";
const GOODS: &str = "/api/v1/shop/goods";
const BOXES: &str = "/api/v1/shop/boxes";

async fn done(door: &Door, token: &str, asked: Asked) -> Answer {
    door.done(&asked.by(Some(token))).await.unwrap()
}

/// An installation of the first version of the product, as `binary` makes it.
async fn begin(place: &Place, binary: &Path) {
    shop::write(1, &place.data);
    let life = place.serve(binary).await;
    let door = place.door();
    let token = people::sign_up(&door, "Before", "Ada", EMAIL, PASSWORD).await.unwrap().token;
    for module in ["shop", "crm"] {
        done(&door, &token, Asked::post(format!("/api/v1/modules/{module}/install"), &json!({}))).await;
    }
    let good = done(&door, &token, Asked::post(GOODS, &json!({ "name": "table", "stage": "won" }))).await.id().unwrap();
    done(&door, &token, Asked::post(BOXES, &json!({ "name": "crate", "good": good }))).await;
    done(&door, &token, Asked::post("/api/v1/crm/companies", &json!({ "name": "Acme" }))).await;
    life.signal("-INT");
    assert!(life.gone().await);
}

/// What people do all day, with one version: sign in, list, create, change, export; and the log is whole. Returns the boxes.
async fn a_day(place: &Place, binary: &Path, version: u8) -> Answer {
    shop::write(version, &place.data);
    let life = place.serve(binary).await;
    let door = place.door();
    let token = people::sign_in(&door, EMAIL, PASSWORD).await.unwrap().token;
    let before = done(&door, &token, Asked::get(GOODS)).await.items().len();
    let good = done(&door, &token, Asked::post(GOODS, &json!({ "name": "chair", "stage": "open" }))).await.id().unwrap();
    let path = format!("{GOODS}/{good}");
    let patched = done(&door, &token, Asked::new(http::Method::PATCH, &path).json(&json!({ "name": "desk", "stage": "won" }))).await;
    assert_eq!((&patched.json["name"], &patched.json["stage"]), (&json!("desk"), &json!("won")));
    done(&door, &token, Asked::post(BOXES, &json!({ "name": "another", "good": good }))).await;
    assert_eq!(done(&door, &token, Asked::get(GOODS)).await.items().len(), before + 1);
    let csv = done(&door, &token, Asked::get(format!("{GOODS}:export"))).await.text();
    assert!(csv.contains("table") && csv.contains("desk"), "{csv}");
    done(&door, &token, Asked::post("/api/v1/crm/companies", &json!({ "name": "Another" }))).await;
    done(&door, &token, Asked::get("/api/v1/search?q=acme")).await;
    let boxes = done(&door, &token, Asked::get(BOXES)).await;
    for args in [&["verify", "audit", "--tenant", "before"][..], &["tenant", "export", "before"], &["migrate"]] {
        let run = place.tenon(binary, args).output().unwrap();
        assert!(run.status.success(), "{args:?}: {run:?}");
    }
    life.signal("-INT");
    assert!(life.gone().await);
    boxes
}

/// Made by scripts/previous.sh with the binary of the commit in scripts/previous.commit. Files only: a PostgreSQL's data is no file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_20_data_of_the_previous_version_is_opened_and_works() {
    if on_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fleet/previous.tar.gz");
    assert!(Command::new("tar").arg("-xzf").arg(fixture).arg("-C").arg(folder.path()).status().unwrap().success());
    let place = Place::new(&folder.path().join("data"), &[("TENON_LIMITS__ENABLED", "false")]).alone();
    let boxes = a_day(&place, this_binary(), 2).await;
    assert!(boxes.items().iter().all(|one| one["size"] == 7), "{}", boxes.text());
    a_day(&place, this_binary(), 2).await;
}

/// `TENON_PREVIOUS` names the binary of the version before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a binary of the version before: scripts/previous.sh builds it and runs this"]
async fn r_20_the_previous_version_works_on_the_new_schema_and_back() {
    let previous = PathBuf::from(std::env::var("TENON_PREVIOUS").expect("TENON_PREVIOUS names the binary of the version before"));
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder.path().join("data"), &[("TENON_LIMITS__ENABLED", "false")]).alone();
    begin(&place, &previous).await;
    if let Ok(fixture) = std::env::var("TENON_FIXTURE") {
        // The file in the repository, made anew.
        let made =
            Command::new("tar").args(["-czf", &fixture, "-C"]).arg(folder.path()).args(["--exclude=.new", "--exclude=ballast", "data"]).status();
        assert!(made.unwrap().success());
    }
    a_day(&place, &previous, 1).await;
    let boxes = a_day(&place, this_binary(), 2).await;
    assert!(boxes.items().iter().all(|one| one["size"] == 7), "{}", boxes.text());
    let back = a_day(&place, &previous, 1).await;
    assert!(back.items().iter().all(|one| one.get("size").is_none()), "{}", back.text());
    let again = a_day(&place, this_binary(), 2).await;
    assert_eq!(again.items().iter().filter(|one| one["size"] == 7).count(), 5, "{}", again.text());
}
