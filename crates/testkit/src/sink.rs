use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Mutex,
    task::JoinHandle,
};

/// A mail server on this machine that keeps what it is given (RFC 5321, as far as one client needs it). It stops with this value.
pub struct Sink {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    serving: JoinHandle<()>,
}

/// How a mail server takes a mail that was handed to it whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// 250: kept.
    #[default]
    Well,
    /// 451: later.
    Later,
    /// 550: never.
    Never,
    /// 554: never, for a reason that may pass.
    Failed,
    /// Nothing is answered, and nothing kept.
    Silent,
    /// It is kept, and the line is dead before anybody is told.
    Gone,
}

#[derive(Default)]
struct Kept {
    mails: Vec<Received>,
    mood: Mood,
    /// How many mails are still to be turned away.
    refuse: usize,
    refused: usize,
}

/// A mail as it came over the wire.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// Of the envelope, not of the head.
    pub from: String,
    pub to: String,
    /// Head and body, lines as they came.
    pub text: String,
}

impl Sink {
    /// On any port.
    pub async fn start() -> Sink {
        Sink::start_at("127.0.0.1:0".parse().unwrap()).await
    }

    /// Where another one was before.
    pub async fn start_at(address: SocketAddr) -> Sink {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Arc::new(Mutex::new(Kept::default()));
        let shared = kept.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever hangs up in the middle has sent no mail.
                tokio::spawn(converse(stream, shared.clone()));
            }
        });
        Sink { address, kept, serving }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As it stands in the configuration.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Turns the next mails away with 451, which means: later.
    pub async fn refuse(&self, mails: usize) {
        self.kept.lock().await.refuse = mails;
    }

    /// How the next mails are taken.
    pub async fn set(&self, mood: Mood) {
        self.kept.lock().await.mood = mood;
    }

    /// All that came, oldest first.
    pub async fn all(&self) -> Vec<Received> {
        self.kept.lock().await.mails.clone()
    }

    /// How many were turned away, or never answered.
    pub async fn refused(&self) -> usize {
        self.kept.lock().await.refused
    }

    /// What came for an address, oldest first.
    pub async fn mails(&self, to: &str) -> Vec<Received> {
        self.kept.lock().await.mails.iter().filter(|mail| mail.to == to).cloned().collect()
    }

    /// Waits until so many have come for an address.
    pub async fn wait(&self, to: &str, mails: usize) -> Vec<Received> {
        for _ in 0..6000 {
            let found = self.mails(to).await;
            if found.len() >= mails {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{mails} mails were to come for {to}; there are {}", self.mails(to).await.len());
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn converse(stream: TcpStream, kept: Arc<Mutex<Kept>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let (mut mail, mut in_data) = (Received::default(), false);
    write.write_all(b"220 sink\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        if in_data && line != "." {
            // A dot at the start of a line was doubled on the way.
            mail.text.push_str(line.strip_prefix('.').unwrap_or(&line));
            mail.text.push('\n');
            continue;
        }
        let answer = match line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "." => match take(&kept, std::mem::take(&mut mail)).await {
                Some(answer) => answer,
                None => return Ok(()),
            },
            "EHLO" => "250-sink\r\n250 8BITMIME",
            "MAIL" => {
                mail.from = between(&line);
                "250 ok"
            }
            "RCPT" => {
                mail.to = between(&line);
                "250 ok"
            }
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        in_data = line.eq_ignore_ascii_case("DATA");
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// The answer to a mail; none where the line goes dead.
async fn take(kept: &Mutex<Kept>, mail: Received) -> Option<&'static str> {
    let mut kept = kept.lock().await;
    if kept.refuse > 0 {
        kept.refuse -= 1;
        kept.refused += 1;
        return Some("451 later");
    }
    let answer = match kept.mood {
        Mood::Well => Some("250 kept"),
        Mood::Gone => None,
        mood => {
            kept.refused += 1;
            drop(kept);
            return match mood {
                Mood::Later => Some("451 later"),
                Mood::Never => Some("550 no such mailbox"),
                Mood::Failed => Some("554 not now"),
                Mood::Silent | Mood::Well | Mood::Gone => std::future::pending().await,
            };
        }
    };
    kept.mails.push(mail);
    answer
}

/// What stands in angle brackets.
fn between(line: &str) -> String {
    line.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}
