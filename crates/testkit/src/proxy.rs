use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::sleep,
};

/// What happens to everything between a client and its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Everything arrives.
    Good,
    /// Everything arrives so much later, in each direction.
    Slow(Duration),
    /// Nothing arrives any more. What was sent waits, and arrives when the wire is good again.
    Stalled,
    /// One byte a second.
    Trickle,
    /// Connections are reset, and so is every new one.
    Reset,
    /// The server's side is closed; the client's stays open and silent, also after the wire is good again.
    HalfOpen,
    /// New connections are refused; those that are there go on.
    Refused,
}

/// Stands between a client and a TCP server on this machine and breaks what runs through it: for PostgreSQL, SMTP and whatever else.
///
/// ```ignore
/// let proxy = Proxy::before(server_address).await;
/// config.mail.smtp_url = format!("smtp://{}", proxy.address());
/// proxy.set(Wire::Stalled);      // counts for open and for new connections, from now on
/// assert_eq!(proxy.accepted(), 1);
/// proxy.set(Wire::Good);
/// ```
///
/// It ends with this value, and so does every connection through it.
pub struct Proxy {
    address: SocketAddr,
    wire: watch::Sender<Wire>,
    counts: Arc<Counts>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    accepted: AtomicUsize,
    open: AtomicUsize,
}

impl Proxy {
    /// On any port of its own, before the server at this address.
    pub async fn before(server: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (wire, seen) = watch::channel(Wire::Good);
        let counts = Arc::<Counts>::default();
        let serving = tokio::spawn(serve(address, listener, server, seen, counts.clone()));
        Proxy { address, wire, counts, serving }
    }

    /// Where clients go.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn set(&self, wire: Wire) {
        self.wire.send_replace(wire);
    }

    /// How many connections there have been.
    pub fn accepted(&self) -> usize {
        self.counts.accepted.load(SeqCst)
    }

    /// How many clients are connected now.
    pub fn open(&self) -> usize {
        self.counts.open.load(SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(address: SocketAddr, listener: TcpListener, server: SocketAddr, mut wire: watch::Receiver<Wire>, counts: Arc<Counts>) {
    let (mut listener, mut clients) = (Some(listener), JoinSet::new());
    loop {
        if *wire.borrow_and_update() == Wire::Refused {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(address).await.ok();
        }
        tokio::select! {
            changed = wire.changed() => if changed.is_err() { return },
            Some(accepted) = accept(listener.as_ref()) => {
                let (wire, counts) = (wire.clone(), counts.clone());
                counts.accepted.fetch_add(1, SeqCst);
                clients.spawn(async move {
                    counts.open.fetch_add(1, SeqCst);
                    let _open = Open(&counts);
                    // Whoever breaks connections does not ask how they ended.
                    drop(client(accepted, server, wire).await);
                });
            }
            Some(_) = clients.join_next() => {}
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    listener?.accept().await.ok().map(|(stream, _)| stream)
}

struct Open<'a>(&'a Counts);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, SeqCst);
    }
}

async fn client(client: TcpStream, server: SocketAddr, wire: watch::Receiver<Wire>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let broken = async |wire: &mut watch::Receiver<Wire>| wire.wait_for(|w| matches!(w, Wire::Reset | Wire::HalfOpen)).await.map(|w| *w);
    let through = async {
        arrives(&mut wire.clone()).await;
        #[expect(clippy::disallowed_methods, reason = "a proxy for tests, on this machine")]
        let server = TcpStream::connect(server).await?;
        server.set_nodelay(true)?;
        let (mut from_server, mut to_server) = server.into_split();
        let (mut there, mut back) = (wire.clone(), wire.clone());
        tokio::select! {
            done = pump(&mut from_client, &mut to_server, &mut there) => done,
            done = pump(&mut from_server, &mut to_client, &mut back) => done,
        }
    };
    let mut watched = wire.clone();
    let how = tokio::select! {
        done = through => return done,
        how = broken(&mut watched) => how,
    };
    if matches!(how, Ok(Wire::HalfOpen)) {
        // The server's side went with `through`. The client may say what it likes.
        while from_client.read(&mut [0; 4096]).await? > 0 {}
    } else if let Ok(client) = from_client.reunite(to_client) {
        // Without a linger the system answers with RST.
        client.set_zero_linger()?;
    }
    Ok(())
}

/// Waits while nothing arrives.
async fn arrives(wire: &mut watch::Receiver<Wire>) {
    drop(wire.wait_for(|w| *w != Wire::Stalled).await);
}

/// Passes on what comes, as the wire has it, until one side ends.
async fn pump(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, wire: &mut watch::Receiver<Wire>) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        let mut rest = buffer.get(..read).unwrap_or_default();
        if rest.is_empty() {
            return to.shutdown().await;
        }
        while !rest.is_empty() {
            arrives(wire).await;
            let now = *wire.borrow();
            let piece = match now {
                Wire::Trickle => 1,
                Wire::Good | Wire::Slow(_) | Wire::Stalled | Wire::Reset | Wire::HalfOpen | Wire::Refused => rest.len(),
            };
            match now {
                Wire::Slow(by) => sleep(by).await,
                Wire::Trickle => sleep(Duration::from_secs(1)).await,
                Wire::Good | Wire::Stalled | Wire::Reset | Wire::HalfOpen | Wire::Refused => {}
            }
            let (first, behind) = rest.split_at(piece);
            to.write_all(first).await?;
            rest = behind;
        }
    }
}
