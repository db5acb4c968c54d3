use super::Mail;
use base::{Code, Error, Result, Time, new_id};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
    transport::smtp,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// How many mails the dev mailbox shows.
const SHOWN: usize = 200;

/// Replies of a mail server that no later try will change: there is no such mailbox, or it takes nothing from us (RFC 5321, section 4.2.3).
/// Other refusals that call themselves permanent are as often a wrong password or a full quota, and are tried again.
const NO_SUCH_MAILBOX: [u16; 3] = [550, 551, 553];

/// The way out for mails. Sending waits for a network: do it from a job, never while a request waits for its answer.
#[derive(Clone)]
pub enum Mailer {
    Smtp(Arc<Smtp>),
    /// Each mail is a file in `dir`; nothing leaves the machine.
    Dev {
        dir: PathBuf,
    },
}

/// A mail server, and whose mails it gets.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// For one mail, from the connection to the last answer.
    limit: Duration,
    /// When the server last was silent for as long as that. Others do not wait for it right after.
    silent: Mutex<Option<Instant>>,
}

/// A mail as the dev mailbox shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sent {
    #[serde(flatten)]
    pub mail: Mail,
    pub at: String,
}

impl Mailer {
    /// SMTP when there is an address for it, else the dev mailbox in `DATA/mails`.
    pub fn new(of: &crate::config::Config) -> Result<Mailer> {
        if of.mail.smtp_url.is_empty() {
            return Ok(Mailer::Dev { dir: of.data.join("mails") });
        }
        // The URL holds a password: it is never part of a message.
        let wrong = |what: &'static str| Error::malformed("config", what);
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&of.mail.smtp_url)
            .map_err(|_| wrong("mail.smtp_url is not like smtps://user:password@host:465."))?
            .build();
        let from = of.mail.from.parse().map_err(|_| wrong("mail.from is not like Name <name@example.com>."))?;
        let limit = Duration::from_secs(of.mail.timeout.0.into());
        Ok(Mailer::Smtp(Arc::new(Smtp { transport, from, limit, silent: Mutex::default() })))
    }

    /// Sends a mail, or fails within the time that the configuration gives. `id` becomes its Message-ID: a mail of which nobody knows
    /// whether it left is sent again under the same one, so that whoever gets both can tell.
    pub async fn send(&self, mail: &Mail, id: &str) -> Result<()> {
        match self {
            Mailer::Smtp(server) => server.send(mail, id).await,
            Mailer::Dev { dir } => {
                let sent = Sent { mail: mail.clone(), at: Time::now().to_string() };
                let (dir, name, bytes) = (dir.clone(), new_id(), serde_json::to_vec_pretty(&sent).map_err(Error::internal)?);
                blocking(move || {
                    std::fs::create_dir_all(&dir)?;
                    let part = dir.join(format!("{name}.part"));
                    std::fs::write(&part, bytes)?;
                    std::fs::rename(part, dir.join(format!("{name}.json")))
                })
                .await
            }
        }
    }

    /// The mails in the dev mailbox, newest first. What goes out by SMTP is not kept.
    pub async fn list(&self) -> Result<Vec<Sent>> {
        let Mailer::Dev { dir } = self else { return Ok(Vec::new()) };
        let dir = dir.clone();
        blocking(move || {
            let Ok(entries) = std::fs::read_dir(&dir) else { return Ok(Vec::new()) };
            let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
            files.sort_by(|a, b| b.cmp(a));
            // A file that somebody else put there is not a mail; it is passed over.
            Ok(files.iter().take(SHOWN).filter_map(|p| serde_json::from_slice(&std::fs::read(p).ok()?).ok()).collect())
        })
        .await
    }
}

impl Smtp {
    async fn send(&self, mail: &Mail, id: &str) -> Result<()> {
        let message = message(&self.from, mail, id)?;
        if self.silent.lock().is_some_and(|since| since.elapsed() < self.limit / 2) {
            return Err(not_sent("the mail server was silent a moment ago"));
        }
        // The transport itself limits nothing but the connecting.
        match tokio::time::timeout(self.limit, self.transport.send(message)).await {
            Ok(sent) => sent.map(drop).map_err(refused),
            Err(late) => {
                *self.silent.lock() = Some(Instant::now());
                Err(not_sent(late))
            }
        }
    }
}

fn message(from: &Mailbox, mail: &Mail, id: &str) -> Result<Message> {
    let to: Mailbox = mail.to.parse().map_err(|_| Error::fault("to", "email", "This is not a mail address."))?;
    let written = Message::builder()
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .from(from.clone())
        .to(to)
        .subject(&mail.subject)
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()));
    written.map_err(Error::internal)
}

fn not_sent(cause: impl std::fmt::Display) -> Error {
    Error::unavailable("The mail could not be sent.").with_cause(cause)
}

fn refused(cause: smtp::Error) -> Error {
    match cause.status() {
        Some(reply) if NO_SUCH_MAILBOX.contains(&reply.into()) => {
            Error::new(Code::Invalid, "mailbox", "The mail server says that there is no such mailbox.").with_cause(cause)
        }
        _ => not_sent(cause),
    }
}

async fn blocking<T: Send + 'static>(f: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T> {
    Ok(tokio::task::spawn_blocking(f).await.map_err(Error::internal)??)
}

#[cfg(test)]
mod tests {
    use super::{super::Letters, *};
    use crate::config::Config;

    #[tokio::test]
    async fn the_dev_mailbox_shows_the_newest_mail_first() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::for_tests(dir.path()).unwrap();
        let mailer = Mailer::new(&config).unwrap();
        assert!(mailer.list().await.unwrap().is_empty());
        let letters = Letters::new(&config);
        mailer.send(&letters.verify("first@example.com", "1"), "1").await.unwrap();
        mailer.send(&letters.verify("second@example.com", "2"), "2").await.unwrap();
        let shown = serde_json::to_value(mailer.list().await.unwrap()).unwrap();
        assert_eq!(shown[0]["to"], "second@example.com");
        assert_eq!(shown[1]["links"][0], "http://127.0.0.1:7070/verify#token=1");
        let keys: Vec<&String> = shown[0].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["to", "subject", "text", "html", "links", "at"]);
    }

    #[tokio::test]
    async fn smtp_says_what_a_mail_says() {
        let mut config = Config::for_tests(tempfile::tempdir().unwrap().path()).unwrap();
        config.mail.smtp_url = "nonsense".into();
        assert_eq!(Mailer::new(&config).err().unwrap().name(), "config");

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        config.mail.smtp_url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
            let (stream, _) = listener.accept().await.unwrap();
            let (read, mut write) = stream.into_split();
            let mut lines = BufReader::new(read).lines();
            let (mut seen, mut in_data) = (String::new(), false);
            write.write_all(b"220 sink\r\n").await.unwrap();
            while let Some(line) = lines.next_line().await.unwrap() {
                seen.push_str(&format!("{line}\n"));
                let answer: &[u8] = match line.as_str() {
                    "." => b"250 kept\r\n",
                    _ if in_data => continue,
                    "DATA" => b"354 go on\r\n",
                    "QUIT" => b"221 bye\r\n",
                    _ => b"250 ok\r\n",
                };
                in_data = line == "DATA";
                write.write_all(answer).await.unwrap();
                if line == "." {
                    break;
                }
            }
            seen
        });
        let mailer = Mailer::new(&config).unwrap();
        mailer.send(&Letters::new(&config).verify("ada@example.com", "TOKEN"), "job-1").await.unwrap();
        let seen = server.await.unwrap();
        assert!(seen.contains("RCPT TO:<ada@example.com>") && seen.contains("Subject: Confirm your mail address"), "{seen}");
        assert!(seen.contains("Message-ID: <job-1@localhost>"), "{seen}");
        assert!(seen.contains("http://127.0.0.1:7070/verify#token=") && seen.contains("text/html"), "{seen}");
    }
}
