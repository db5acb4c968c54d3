use super::say;
use base::Result;
use clap::Subcommand;
use kernel::App;
use serde_json::json;
use std::{io::BufRead, process::ExitCode};

#[derive(Subcommand)]
pub enum Operator {
    /// Make somebody an operator: an owner in the operator's own silo
    Create {
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        /// Read the password from standard input; without it one is made up and shown once
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Subcommand)]
pub enum User {
    /// Print a link with which somebody can set a new password, when mails do not arrive
    ResetLink { email: String },
}

pub async fn operator(app: &App, what: Operator, json: bool) -> Result<ExitCode> {
    let Operator::Create { email, name, password_stdin } = what;
    let (password, shown) = if password_stdin {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        (line.trim_end_matches(['\r', '\n']).to_owned(), None)
    } else {
        let made = server::people::password()?;
        (made.clone(), Some(made))
    };
    let id = account::operators::create(app, &email, &name, &password).await?;
    say(json, &json!({ "user": id, "email": email, "password": shown }), || match &shown {
        Some(password) => format!("{email} is an operator now. Password, shown once: {password}"),
        None => format!("{email} is an operator now."),
    })
}

pub async fn user(app: &App, what: User, json: bool) -> Result<ExitCode> {
    let User::ResetLink { email } = what;
    let link = account::operators::reset_link(app, &email).await?;
    say(json, &json!({ "link": link }), || link.clone())
}

pub async fn demo(app: &App, json: bool) -> Result<ExitCode> {
    app.start_background();
    let made = crate::demo::make(app).await?;
    say(json, &made, || {
        format!(
            "{} is ready: {} companies, {} people, {} deals.\nSign in at {} as {} with the password {}",
            made.company,
            made.companies,
            made.people,
            made.deals,
            app.config().server.public_url,
            made.email,
            made.password
        )
    })
}
