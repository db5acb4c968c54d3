use parking_lot::Mutex;
use std::{
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use tokio::runtime::Handle;

type Driver = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>;

/// What moves the bytes of one session. It goes along with whoever waits for an answer: handing each question to a task of its own, and
/// each answer back, would cost more than the question.
pub struct Wire {
    /// Nothing once the connection has ended.
    driver: Mutex<Option<Driver>>,
}

impl Wire {
    pub fn new(connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static) -> Wire {
        Wire { driver: Mutex::new(Some(Box::pin(connection))) }
    }

    /// Waits for one exchange, and sends and receives for it.
    pub async fn drive<T>(&self, exchange: impl Future<Output = T>) -> T {
        let mut exchange = pin!(exchange);
        std::future::poll_fn(|cx| {
            // Everything is asked before anything is sent.
            if let Poll::Ready(answer) = exchange.as_mut().poll(cx) {
                return Poll::Ready(answer);
            }
            self.poll(cx);
            exchange.as_mut().poll(cx)
        })
        .await
    }

    /// Whether the connection is there, as far as it has said: nobody listens while nothing is asked.
    pub fn is_up(&self) -> bool {
        self.poll(&mut Context::from_waker(Waker::noop()));
        self.driver.lock().is_some()
    }

    fn poll(&self, cx: &mut Context<'_>) {
        let mut driver = self.driver.lock();
        if let Some(connection) = driver.as_mut()
            && let Poll::Ready(ended) = connection.as_mut().poll(cx)
        {
            *driver = None;
            if let Err(e) = ended {
                tracing::warn!(error = %e, "a PostgreSQL session ended");
            }
        }
    }

    /// Lets the connection say goodbye once its client is gone.
    pub fn leave(&self, handle: &Handle) {
        if let Some(connection) = self.driver.lock().take() {
            handle.spawn(connection);
        }
    }
}
