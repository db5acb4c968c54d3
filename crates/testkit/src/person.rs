use crate::{Answer, TestApp};
use serde_json::{Value, json};

/// Somebody with an account, and an access token for one company.
#[derive(Debug, Clone)]
pub struct Person {
    pub email: String,
    pub password: String,
    pub token: String,
    pub refresh_token: String,
    /// `GET /me` right after signing in.
    pub me: Value,
}

pub const PASSWORD: &str = "correct horse battery staple";

impl TestApp {
    /// Signs a company up as a person would: form, mail, link, sign-in.
    pub async fn sign_up(&self, company: &str, email: &str) -> Person {
        let body = json!({ "company": company, "name": "Ada Admin", "email": email, "password": PASSWORD });
        self.post_as(None, "/api/v1/auth/register", body).await.expect(202);
        let token = self.token_from_mail(email).await;
        self.post_as(None, "/api/v1/auth/verify", json!({ "token": token })).await.expect(200);
        self.sign_in(email).await
    }

    /// Takes tokens for an app.
    pub async fn sign_in(&self, email: &str) -> Person {
        let answer = self.post_as(None, "/api/v1/auth/token", json!({ "email": email, "password": PASSWORD })).await.expect(200);
        let token = text(&answer, "access_token");
        let me = self.get_as(Some(&token), "/api/v1/me").await.expect(200);
        Person { email: email.into(), password: PASSWORD.into(), refresh_token: text(&answer, "refresh_token"), token, me: me.json }
    }

    /// Invites somebody into `by`'s company, who accepts.
    pub async fn invite(&self, by: &Person, email: &str, role: &str) -> Person {
        self.post_as(Some(&by.token), "/api/v1/account/invitations", json!({ "email": email, "role": role })).await.expect(201);
        let token = self.token_from_mail(email).await;
        let body = json!({ "token": token, "name": "Sam Stranger", "password": PASSWORD });
        self.post_as(None, "/api/v1/auth/accept-invitation", body).await.expect(200);
        self.sign_in(email).await
    }

    /// The token of the newest link that was mailed to somebody; waits for the mail.
    pub async fn token_from_mail(&self, email: &str) -> String {
        for _ in 0..6000 {
            let mails = self.app.mailer().list().await.unwrap();
            let link = mails.iter().filter(|sent| sent.mail.to == email).flat_map(|sent| &sent.mail.links).next();
            if let Some((_, token)) = link.and_then(|link| link.split_once("#token=")) {
                return token.to_owned();
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("no mail with a link came for {email}");
    }
}

fn text(answer: &Answer, name: &str) -> String {
    answer.json[name].as_str().unwrap_or_else(|| panic!("{name} is missing in {}", answer.json)).to_owned()
}
