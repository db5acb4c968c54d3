//! Proving a password. Whoever guesses learns nothing: an unknown address, a wrong password and a foreign company take as long and
//! get the same answer, and five tries in a quarter of an hour are all there are, however the address is spelled.

use crate::{
    devices, fields,
    seats::{self, Seat},
    users::{self, User},
};
use base::{Code, Error, Result};
use kernel::{Ctx, ctx::Person, limits::Limit, passwords::needs_rehash};

/// Address, password or company is wrong; which one is not said.
pub(crate) fn wrong() -> Error {
    Error::new(Code::Anonymous, "credentials", "The address or the password is wrong.")
}

/// Who has this address and this password, and where they sit down: the company they name, else the one they used last.
pub(crate) async fn of_password(cx: &Ctx, email: &str, password: &str, tenant: Option<&str>) -> Result<(User, Option<Seat>)> {
    let email_key = fields::key(email);
    // Counted before it is judged: a hundred tries at once are a hundred tries.
    let counted = devices::counted_under(cx, &email_key);
    let quota = cx.app().limits().take(Limit::AuthPerAccount, &counted);
    let key = email_key.clone();
    let found = cx
        .app()
        .hub()
        .read(move |sql| {
            let user = users::by_key(sql, &key)?;
            // A stranger's seats are looked up as well, so that both cost the same.
            let seats = seats::of(sql, user.as_ref().map_or("", |user| &user.id))?;
            Ok(user.map(|user| (user, seats)))
        })
        .await?;
    let whose = found.as_ref().map(|(user, _)| user.id.clone());
    let failed = |why| cx.app().sign_in_failed(whose.as_deref(), why);
    quota.check().inspect_err(|_| failed("limited"))?;
    let stored = found.as_ref().map(|(user, _)| user.password.as_str());
    let good = cx.app().passwords().verify(password, stored).await?;
    let why = if found.is_some() { "password" } else { "unknown" };
    let (user, seats) = found.filter(|(user, _)| good && user.active).ok_or_else(wrong).inspect_err(|_| failed(why))?;
    let seat = choose(seats, tenant).inspect_err(|_| failed("company"))?;
    cx.app().limits().give_back(Limit::AuthPerAccount, &counted);
    rehash(cx, &user, password).await?;
    Ok((user, seat))
}

/// The seat in a company, among somebody's own.
pub(crate) fn choose(seats: Vec<Seat>, tenant: Option<&str>) -> Result<Option<Seat>> {
    match tenant {
        None => Ok(seats.into_iter().next()),
        Some(slug) => seats.into_iter().find(|seat| seat.slug == slug).map(Some).ok_or_else(wrong),
    }
}

/// The person at hand must prove their password once more, before something that cannot be taken back.
pub async fn again(cx: &Ctx, person: &Person, password: &str) -> Result<()> {
    whose(cx, person, password).await.map(drop)
}

/// The same, and who they are.
pub(crate) async fn whose(cx: &Ctx, person: &Person, password: &str) -> Result<User> {
    let key = fields::key(&person.email);
    cx.app().limits().take(Limit::AuthPerAccount, &key).check()?;
    let id = person.user.clone();
    let user = cx.app().hub().read(move |sql| users::by_id(sql, &id)).await?;
    let stored = user.as_ref().map(|user| user.password.as_str());
    if !cx.app().passwords().verify(password, stored).await? {
        return Err(Error::fault("current", "wrong", "This is not your password."));
    }
    cx.app().limits().give_back(Limit::AuthPerAccount, &key);
    user.ok_or_else(Error::anonymous)
}

/// A person, not a machine: what changes who somebody is cannot be done with a key.
pub fn person(cx: &Ctx) -> Result<&Person> {
    if cx.actor().starts_with("key:") {
        return Err(Error::denied("This can only be done by a person, not with an API key."));
    }
    cx.signed_in()
}

async fn rehash(cx: &Ctx, user: &User, password: &str) -> Result<()> {
    if !needs_rehash(&user.password) {
        return Ok(());
    }
    let (id, hash) = (user.id.clone(), cx.app().passwords().hash(password).await?);
    cx.app().hub().write(move |sql| users::set_password(sql, &id, &hash)).await
}
