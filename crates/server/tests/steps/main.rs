//! Work that is done in several steps, and what becomes of it when it breaks off at any of them. Steps are the process's: these tests
//! have a binary of their own and take turns.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on ends here")]

mod child;
mod migrations;
mod panics;
mod points;
#[path = "../binary/serving.rs"]
#[expect(dead_code, reason = "a server that is stopped as it should be is another's story")]
mod serving;
mod stage;
mod ways;

use serde_json::json;
use stage::Stage;
use std::sync::Once;
use testkit::{ADMIN, PASSWORD};
use tokio::sync::{Mutex, MutexGuard};
use ways::Way;

/// Held by whoever arms a step.
static TURN: Mutex<()> = Mutex::const_new(());

/// Panics that are meant are not told.
async fn turn() -> MutexGuard<'static, ()> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let meant = |words: &str| words == "on purpose" || words == panics::WORDS;
            if !panic.payload_as_str().is_some_and(meant) {
                tell(panic);
            }
        }));
    });
    let turn = TURN.lock().await;
    // A test that failed may have left something behind.
    points::here().iter().for_each(|point| base::disarm(point));
    turn
}

/// In the short form each step gets one of the four, in turn; in the long form (`TENON_SOAK=1`) it gets them all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_03_work_in_steps_finishes_or_undoes_itself_wherever_it_breaks_off() {
    let _turn = turn().await;
    let mut stage = Stage::new().await;
    for (at, point) in points::here().iter().enumerate() {
        let Some(way) = Way::to(point) else { continue };
        for action in points::actions(at) {
            stage.run(way, point, action).await;
        }
    }
    stage.doctor_has_nothing_to_say().await;
}

/// Who signs up and goes away half-way, and then comes in by an invitation, has an account; the company they began is nobody's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_up_that_an_invitation_overtook_leaves_no_database() {
    let _turn = turn().await;
    let stage = Stage::new().await;
    let form = json!({ "company": "Firm", "name": "Pat", "email": "pat@firm.test", "password": PASSWORD });
    stage.app.post_as(None, "/api/v1/auth/register", form).await.expect(202);
    let link = json!({ "token": stage.app.token_from_mail("pat@firm.test").await });
    base::arm("sign-up.silo-made", "1*return(error)").unwrap();
    stage.app.post_as(None, "/api/v1/auth/verify", link.clone()).await.expect(500);
    base::disarm("sign-up.silo-made");
    assert_eq!(stage.app.app.silos().all().await.unwrap().len(), 4, "the hub, two companies and the one that is begun");
    // Their sign-up was mailed first; the invitation's mail is the newest.
    let invite = json!({ "email": "pat@firm.test", "role": "viewer" });
    stage.app.post(ADMIN, "/api/v1/account/invitations", invite).await.expect(201);
    stage.settle(false).await;
    let token = stage.app.token_from_mail("pat@firm.test").await;
    let accept = json!({ "token": token, "name": "Pat", "password": PASSWORD });
    stage.app.post_as(None, "/api/v1/auth/accept-invitation", accept).await.expect(200);
    let pat = stage.app.sign_in("pat@firm.test").await;
    assert_eq!(pat.me["tenants"].as_array().unwrap().len(), 1);
    stage.settle(true).await;
    stage.is_sound("an invitation in between").await;
    assert_eq!(stage.app.app.silos().all().await.unwrap().len(), 3);
    stage.app.post_as(None, "/api/v1/auth/verify", link).await.expect(410);
}
