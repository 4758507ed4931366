//! A connection that does not wait for ever.
//!
//! Of itself, actix cuts slow headers on a fresh connection and nothing else that is slow. What
//! else a client can be slow at is held here, around the bytes, so that nothing above has to think
//! of it (S72, R26):
//!
//! | state | since | at most |
//! |---|---|---|
//! | nothing is asked, or half of a head, or what is left of a body that nobody reads | the last byte of ours | [`Timeouts::asking`] |
//! | an answer is on its way, and the client takes none of it | the last byte that it took | [`Timeouts::taking`] |
//! | a request is being answered, its body being read | its head was there | [`Timeouts::answering`] |
//!
//! The last one only backs the others up: whoever reads a body has a deadline of its own, which
//! ends in a page or an envelope.
//!
//! A request costs a few looks at the clock. The one timer of a connection is not moved with each:
//! it goes off every few seconds, and mostly finds that there is time left.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_http::Request;
use actix_web::web::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::{
    bare_errors::BareErrors,
    pipeline::{BodyGate, HeadEnd, PIECE, Part},
};

/// How long a connection may be in each of its states.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// Above actix's own time for a first head, which ends with a word.
    pub(super) asking: Duration,
    /// The system's buffer of a connection wants more when a third of it is free: three kilobytes a
    /// second are enough.
    pub(super) taking: Duration,
    /// Above the longest time that a body may take.
    pub(super) answering: Duration,
}

impl Timeouts {
    /// With somebody on the internet.
    pub(super) const fn with_client() -> Self {
        Self {
            asking: Duration::from_secs(10),
            taking: Duration::from_secs(15),
            answering: Duration::from_secs(180),
        }
    }

    /// With a proxy of ours. Where it keeps idle connections, it is to be the one that closes them
    /// (nginx after 60 seconds): if we did, a form that it sends at that moment would be lost, and
    /// nobody could tell whether it had been read.
    pub(super) const fn with_proxy() -> Self {
        Self { asking: Duration::from_secs(75), ..Self::with_client() }
    }

    /// No deadline that is set while the timer sleeps is nearer than this.
    fn shortest(&self) -> Duration {
        self.asking.min(self.taking).min(self.answering)
    }
}

/// State of a connection, as the service above reports it. Cheap to clone.
#[derive(Clone)]
pub(super) struct ConnectionState(Rc<TimerState>);

struct TimerState {
    timeouts: Timeouts,
    since: Cell<Instant>,
    phase: Cell<Phase>,
    gate: BodyGate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Asking,
    Answering,
    /// The client does not take what there is for it.
    Taking,
}

impl ConnectionState {
    fn new(timeouts: Timeouts) -> Self {
        Self(Rc::new(TimerState {
            timeouts,
            since: Cell::new(Instant::now()),
            phase: Cell::new(Phase::Asking),
            gate: BodyGate::default(),
        }))
    }

    /// The head of a request is there; its answer is, once what this returns is dropped.
    pub(super) fn answering(&self, request: &mut Request) -> Answering {
        self.enter(Phase::Answering);
        self.0.gate.begin(request);
        Answering(self.clone())
    }

    fn enter(&self, phase: Phase) {
        self.0.phase.set(phase);
        self.0.since.set(Instant::now());
    }

    fn is_answering(&self) -> bool {
        self.0.phase.get() == Phase::Answering
    }

    /// The client took something, or has nothing more to take.
    fn took(&self) {
        if !self.is_answering() {
            self.enter(Phase::Asking);
        }
    }

    /// The client takes nothing.
    fn stalled(&self) {
        if self.0.phase.get() == Phase::Asking {
            self.enter(Phase::Taking);
        }
    }

    fn deadline(&self) -> Instant {
        let timeouts = &self.0.timeouts;
        self.0.since.get()
            + match self.0.phase.get() {
                Phase::Asking => timeouts.asking,
                Phase::Answering => timeouts.answering,
                Phase::Taking => timeouts.taking,
            }
    }
}

/// While this lives, a request is being answered.
pub(super) struct Answering(ConnectionState);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.enter(Phase::Asking);
        self.0.0.gate.end();
    }
}

/// A stream of bytes with a clock, and what is to be kept as long as it is open.
pub(super) struct TimedConnection<S, K> {
    stream: S,
    state: ConnectionState,
    timer: Pin<Box<Sleep>>,
    head_end: HeadEnd,
    /// Came with a head and is not its own.
    rest: BytesMut,
    /// Whether something was kept back, so that what was read can be looked at.
    is_paused: bool,
    bare_errors: Option<BareErrors>,
    /// Error answer with a body, in place of a bare one.
    dressed: BytesMut,
    /// How many of the bytes that were offered last were not taken.
    left: usize,
    kept: K,
}

impl<S, K> TimedConnection<S, K> {
    pub(super) fn new(stream: S, timeouts: Timeouts, kept: K) -> Self {
        let state = ConnectionState::new(timeouts);
        let timer =
            Box::pin(sleep_until(state.deadline().min(Instant::now() + timeouts.shortest())));
        Self {
            stream,
            state,
            timer,
            head_end: HeadEnd::default(),
            rest: BytesMut::new(),
            is_paused: false,
            bare_errors: None,
            dressed: BytesMut::new(),
            left: 0,
            kept,
        }
    }

    /// Has the answers that actix gives by itself carry further headers.
    pub(super) fn adding_to_errors(self, lines: BareErrors) -> Self {
        Self { bare_errors: Some(lines), ..self }
    }

    pub(super) fn state(&self) -> ConnectionState {
        self.state.clone()
    }

    pub(super) fn kept(&self) -> &K {
        &self.kept
    }

    /// Whether there is time left; wakes the task when there is none.
    fn check_timeouts(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while self.timer.as_mut().poll(context).is_ready() {
            let deadline = self.state.deadline();
            if deadline <= Instant::now() {
                tracing::debug!(phase = ?self.state.0.phase.get(), "closed: the client is too \
                    slow");
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.timer
                .as_mut()
                .reset(deadline.min(Instant::now() + self.state.0.timeouts.shortest()));
        }
        Ok(())
    }

    /// Result of a write, or a timeout where nothing can be written.
    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.state.took();
        } else {
            self.state.stalled();
            self.check_timeouts(context)?;
        }
        written
    }
}

impl<S: AsyncRead + Unpin, K: Unpin> TimedConnection<S, K> {
    /// Reads what may come now. Whatever else came with it stays here.
    fn poll_part(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.rest.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        } else {
            let piece = self.rest.split_to(self.rest.len().min(buffer.remaining()));
            buffer.put_slice(&piece);
        }
        let came = &buffer.filled()[before..];
        let gate = &self.state.0.gate;
        let (now, is_head) = match gate.part() {
            Part::Head => self.head_end.find(came).map_or((came.len(), false), |end| (end, true)),
            Part::Length(left) => {
                (came.len().min(usize::try_from(left).unwrap_or(usize::MAX)), false)
            }
            Part::Chunks => (came.len().min(PIECE), false),
            Part::Nothing => (0, false),
        };
        let is_full = came.is_empty();
        if now < came.len() {
            let mut rest = BytesMut::from(&came[now..]);
            rest.extend_from_slice(&self.rest);
            self.rest = rest;
            buffer.set_filled(before + now);
        }
        if is_head {
            gate.close();
        }
        gate.took(now);
        if now > 0 || is_full { Poll::Ready(Ok(())) } else { self.keep_back(context) }
    }

    /// Waits until the rest may come. What nobody makes a request of may be the end of a body that
    /// nobody wanted: then it is let through once the one who reads had a look at what there was
    /// before.
    fn keep_back(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state.0.gate.wait(context);
        if self.state.0.phase.get() == Phase::Asking {
            self.is_paused = true;
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin, K: Unpin> AsyncRead for TimedConnection<S, K> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.check_timeouts(context)?;
        let was_paused = std::mem::take(&mut this.is_paused);
        match this.state.0.gate.part() {
            Part::Nothing if was_paused && this.state.0.phase.get() == Phase::Asking => {
                this.state.0.gate.open(Part::Head);
            }
            Part::Nothing if !this.rest.is_empty() => return this.keep_back(context),
            Part::Chunks if !was_paused && !this.rest.is_empty() => {
                this.is_paused = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            _ => {}
        }
        this.poll_part(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin, K: Unpin> TimedConnection<S, K> {
    /// Writes as many of these bytes as are taken.
    fn poll_some(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, written)
    }

    /// Writes all that stands in the place of a bare error, and says that so many bytes were taken.
    fn poll_dressed(
        &mut self,
        context: &mut Context<'_>,
        offered: usize,
    ) -> Poll<io::Result<usize>> {
        while !self.dressed.is_empty() {
            let bytes = self.dressed.split();
            let written = self.poll_some(context, &bytes);
            let taken = if let Poll::Ready(Ok(taken)) = written { taken } else { 0 };
            self.dressed.extend_from_slice(&bytes[taken..]);
            if taken == 0 {
                return written;
            }
        }
        self.left = 0;
        Poll::Ready(Ok(offered))
    }
}

impl<S: AsyncWrite + Unpin, K: Unpin> AsyncWrite for TimedConnection<S, K> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.dressed.is_empty()
            && let Some(dressed) =
                this.bare_errors.as_ref().and_then(|errors| errors.dressed(bytes, this.left))
        {
            this.dressed = dressed;
        }
        if !this.dressed.is_empty() {
            return this.poll_dressed(context, bytes.len());
        }
        let written = this.poll_some(context, bytes);
        this.left = bytes.len() - if let Poll::Ready(Ok(taken)) = written { taken } else { 0 };
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(Pin::new(&mut this.stream).poll_flush(context))?;
        this.check_timeouts(context)?;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.check_timeouts(context)?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    const SHORT: Duration = Duration::from_millis(100);

    /// One that waits for a short time in the state that is looked at, and long in the others.
    fn connection(timeouts: Timeouts) -> (TimedConnection<DuplexStream, ()>, DuplexStream) {
        let (ours, theirs) = duplex(64);
        (TimedConnection::new(ours, timeouts, ()), theirs)
    }

    fn is_timeout<T: std::fmt::Debug>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut)
    }

    #[tokio::test]
    async fn half_a_head_that_drips_is_cut_s72() {
        let (mut ours, mut theirs) =
            connection(Timeouts { asking: SHORT, ..Timeouts::with_client() });
        let drip = tokio::spawn(async move {
            while theirs.write_all(b"x").await.is_ok() {
                tokio::time::sleep(SHORT / 10).await;
            }
        });
        let mut byte = [0];
        let begun = Instant::now();
        while ours.read(&mut byte).await.is_ok() {}
        assert!((SHORT..SHORT * 20).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        drop(ours);
        drip.await.unwrap();
    }

    #[tokio::test]
    async fn a_request_that_is_being_answered_may_take_longer_and_not_for_ever() {
        let (mut ours, _theirs) =
            connection(Timeouts { asking: SHORT, answering: SHORT * 4, ..Timeouts::with_client() });
        let begun = Instant::now();
        let answering = ours.state().answering(&mut Request::new());
        assert!(is_timeout(ours.read_u8().await));
        assert!(begun.elapsed() >= SHORT * 4, "{:?}", begun.elapsed());
        drop(answering);
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_is_cut_and_a_slow_one_is_served_r26() {
        let timeouts = Timeouts { asking: SHORT * 4, taking: SHORT * 4, ..Timeouts::with_client() };
        let (mut ours, _theirs) = connection(timeouts);
        assert!(is_timeout(ours.write_all(&[0; 100]).await));

        let (mut ours, mut theirs) = connection(timeouts);
        let slow = tokio::spawn(async move {
            let mut piece = [0; 50];
            for _ in 0..20 {
                tokio::time::sleep(SHORT / 2).await;
                theirs.read_exact(&mut piece).await.unwrap();
            }
        });
        ours.write_all(&[0; 1000]).await.unwrap();
        slow.await.unwrap();
    }

    /// S54: whole, though the client takes a few bytes at a time.
    #[tokio::test]
    async fn a_bare_error_goes_out_with_its_headers() {
        let (ours, mut theirs) = connection(Timeouts::with_client());
        let mut ours =
            ours.adding_to_errors(BareErrors::new("x-content-type-options: nosniff\r\n"));
        let read = tokio::spawn(async move {
            let mut answer = String::new();
            theirs.read_to_string(&mut answer).await.unwrap();
            answer
        });
        let head = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        ours.write_all(head).await.unwrap();
        ours.shutdown().await.unwrap();
        drop(ours);
        let answer = read.await.unwrap();
        assert!(
            answer.ends_with("connection: close\r\nx-content-type-options: nosniff\r\n\r\n"),
            "{answer}"
        );
    }

    #[tokio::test]
    async fn an_answer_gives_the_next_request_its_time() {
        let (mut ours, mut theirs) =
            connection(Timeouts { asking: SHORT * 3, ..Timeouts::with_client() });
        for _ in 0..4 {
            tokio::time::sleep(SHORT).await;
            theirs.write_all(b"?").await.unwrap();
            ours.read_u8().await.unwrap();
            drop(ours.state().answering(&mut Request::new()));
            ours.write_all(b"!").await.unwrap();
            theirs.read_u8().await.unwrap();
        }
        assert!(is_timeout(ours.read_u8().await));
    }

    #[tokio::test]
    async fn the_next_request_waits_for_the_answer_of_the_last_r20() {
        let (mut ours, mut theirs) =
            connection(Timeouts { answering: SHORT, ..Timeouts::with_client() });
        let sent = tokio::spawn(async move {
            theirs.write_all(&b"GET / HTTP/1.1\r\n\r\n".repeat(100)).await.unwrap();
            theirs
        });
        let (mut head, mut buffer) = ([0; 18], [0; 1000]);
        for _ in 0..100 {
            ours.read_exact(&mut head).await.unwrap();
            let answering = ours.state().answering(&mut Request::new());
            let more = tokio::time::timeout(Duration::from_millis(1), ours.read(&mut buffer)).await;
            assert!(more.is_err(), "{more:?}");
            drop(answering);
        }
        sent.await.unwrap();
    }
}
