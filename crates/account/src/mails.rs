//! Mails leave from jobs, never while somebody waits for an answer: so an answer takes as long whether there is a mail to send or not.
//! Who gets which mail is decided in the job too, so the request does the same work for known and unknown addresses.

use crate::{
    links::{self, Kind, NewLink},
    users,
};
use base::{Error, Result};
use kernel::{
    Ctx, Tx,
    jobs::{Job, Running},
    mail::Mail,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub const SEND: &str = "account.mails.send";

/// How long a mail is tried to be sent, in seconds.
pub const PATIENCE: i64 = 24 * 60 * 60;

/// A mail to be written. Holds no token: that is made when the mail is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "snake_case")]
pub enum Letter {
    /// For a new sign-up: to confirm, or "you already have an account".
    SignUp {
        signup: String,
    },
    /// The same once more, for the newest sign-up of an address that still waits.
    Resend {
        email_key: String,
    },
    /// For whoever has this address, if anybody.
    Reset {
        link: String,
        email_key: String,
        ip: String,
    },
    Invitation {
        link: String,
        inviter: String,
        company: String,
    },
    Welcome {
        to: String,
        company: String,
    },
    PasswordChanged {
        to: String,
    },
}

/// Puts a mail into the transaction at hand. `cx.work_is_coming()` comes before it.
pub fn enqueue(tx: &mut Tx<'_, '_>, letter: &Letter) -> Result<()> {
    let args = serde_json::to_value(letter).map_err(Error::internal)?;
    tx.enqueue(Job::new(SEND, args)).map(drop)
}

/// The job. Nobody knows of a try that failed whether its mail has left all the same, so every try is the same mail: with the same token,
/// which is stored nowhere, and the same Message-ID. How long the token is good begins anew with each.
pub async fn send(cx: Ctx, job: Running) -> Result<Value> {
    let letter: Letter = serde_json::from_value(job.args.clone()).map_err(Error::internal)?;
    let token = cx.app().root_key().token(&format!("mail {}", job.id))?;
    let mail = match write(&cx, letter, token).await? {
        Some(mail) => mail,
        None => return Ok(json!({"sent": false})),
    };
    base::step("mail.written")?;
    cx.app().mailer().send(&mail, &job.id).await?;
    base::step("mail.sent")?;
    Ok(json!({"sent": true}))
}

async fn write(cx: &Ctx, letter: Letter, token: String) -> Result<Option<Mail>> {
    let letters = cx.app().letters();
    match letter {
        Letter::SignUp { signup } => sign_up(cx, signup, token).await,
        Letter::Resend { email_key } => {
            let newest = cx.app().hub().read(move |sql| newest_sign_up(sql, &email_key)).await?;
            match newest {
                Some(signup) => sign_up(cx, signup, token).await,
                None => Ok(None),
            }
        }
        Letter::Reset { link, email_key, ip } => {
            let lifetime = cx.app().config().tokens.reset.get();
            let armed = cx.app().hub().write(move |sql| arm_reset(sql, &link, &email_key, lifetime, token)).await?;
            Ok(armed.map(|(to, token)| letters.reset(&to, &token, &ip)))
        }
        Letter::Invitation { link, inviter, company } => {
            let lifetime = cx.app().config().tokens.invitation.get();
            let armed = cx.app().hub().write(move |sql| arm_invitation(sql, &link, lifetime, token)).await?;
            Ok(armed.map(|(to, token)| letters.invitation(&to, &company, &inviter, &token)))
        }
        Letter::Welcome { to, company } => Ok(Some(letters.welcome(&to, &company))),
        Letter::PasswordChanged { to } => Ok(Some(letters.password_changed(&to))),
    }
}

async fn sign_up(cx: &Ctx, signup: String, token: String) -> Result<Option<Mail>> {
    let lifetime = cx.app().config().tokens.verification.get();
    let letters = cx.app().letters();
    let armed = cx.app().hub().write(move |sql| arm_sign_up(sql, &signup, lifetime, token)).await?;
    Ok(armed.map(|(to, token)| match token {
        Some(token) => letters.verify(&to, &token),
        None => letters.already_have_account(&to),
    }))
}

fn newest_sign_up(sql: &mut silo::Tx<'_>, email_key: &str) -> Result<Option<String>> {
    let newest = r#"SELECT "id" FROM "signups" WHERE "email_key" = ?1 AND "status" = 'pending' ORDER BY "id" DESC LIMIT 1"#;
    sql.row(newest, &[email_key.into()], |row| Ok(row.text(0)?.to_owned()))
}

/// Whom the mail goes to, and the token to confirm with; without one where the address has an account already.
fn arm_sign_up(sql: &mut silo::Tx<'_>, signup: &str, lifetime: i64, token: String) -> Result<Option<(String, Option<String>)>> {
    let find = r#"SELECT "email", "email_key" FROM "signups" WHERE "id" = ?1 AND "status" IN ('pending', 'known')"#;
    let Some((email, email_key)) = sql.row(find, &[signup.into()], |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned())))? else {
        return Ok(None);
    };
    if let Some(user) = users::by_key(sql, &email_key)? {
        sql.run(r#"UPDATE "signups" SET "status" = 'known', "password" = '' WHERE "id" = ?1"#, &[signup.into()])?;
        return Ok(Some((user.email, None)));
    }
    let link = NewLink {
        id: signup,
        kind: Kind::Verify,
        email: &email,
        email_key: &email_key,
        user: None,
        tenant: None,
        role: None,
        created_by: None,
        lifetime,
    };
    Ok(links::arm(sql, &link, &token)?.then_some((email, Some(token))))
}

fn arm_reset(sql: &mut silo::Tx<'_>, link: &str, email_key: &str, lifetime: i64, token: String) -> Result<Option<(String, String)>> {
    let Some(user) = users::by_key(sql, email_key)?.filter(|user| user.active) else { return Ok(None) };
    let new = NewLink {
        id: link,
        kind: Kind::Reset,
        email: &user.email,
        email_key,
        user: Some(&user.id),
        tenant: None,
        role: None,
        created_by: None,
        lifetime,
    };
    Ok(links::arm(sql, &new, &token)?.then_some((user.email, token)))
}

fn arm_invitation(sql: &mut silo::Tx<'_>, link: &str, lifetime: i64, token: String) -> Result<Option<(String, String)>> {
    let Some(found) = links::by_id(sql, link)?.filter(|link| link.status == "pending") else { return Ok(None) };
    let new = NewLink {
        id: link,
        kind: Kind::Invitation,
        email: &found.email,
        email_key: &found.email_key,
        user: None,
        tenant: found.tenant.as_deref(),
        role: found.role.as_deref(),
        created_by: found.created_by.as_deref(),
        lifetime,
    };
    Ok(links::arm(sql, &new, &token)?.then_some((found.email.clone(), token)))
}
