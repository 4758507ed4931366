//! One request at a time.
//!
//! actix reads ahead as far as its buffer goes, and takes everything in it apart before it looks at
//! whether the client takes any answer: seven kilobytes of memory for each eighteen bytes of
//! `GET / HTTP/1.1`, fifty megabytes for one connection. No browser and no proxy sends a request
//! before the last one was answered, so the bytes of the next one stay here until then (R20, R26).

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_http::{BoxedPayloadStream, HttpMessage as _, Payload, Request, error::PayloadError};
use actix_web::{http::header::CONTENT_LENGTH, web::Bytes};
use futures_util::Stream;
use memchr::memchr;

/// Of a body without a length, what is handed on at a time, in bytes: what follows it may come
/// along.
pub(super) const PIECE: usize = 1024;

/// Gate for the bytes that the client sends. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct BodyGate(Rc<PipelineState>);

#[derive(Default)]
struct PipelineState {
    open_for: Cell<Part>,
    /// Whether a request is being answered.
    is_busy: Cell<bool>,
    /// Task that waits at the gate.
    waits: Cell<Option<Waker>>,
}

/// The parts of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Part {
    /// Up to its empty line.
    #[default]
    Head,
    /// So many bytes of a body.
    Length(u64),
    /// A body whose end its reader knows.
    Chunks,
    /// Nothing until the answer is there.
    Nothing,
}

impl BodyGate {
    pub(super) fn part(&self) -> Part {
        self.0.open_for.get()
    }

    /// A head was handed on; what follows waits until it is known what it is.
    pub(super) fn close(&self) {
        self.0.open_for.set(Part::Nothing);
    }

    /// The bytes that were waited for are through.
    pub(super) fn took(&self, bytes: usize) {
        if let Part::Length(left) = self.part() {
            match left.saturating_sub(u64::try_from(bytes).unwrap_or(u64::MAX)) {
                0 => self.pass(),
                left => self.0.open_for.set(Part::Length(left)),
            }
        }
    }

    /// Keeps back what there is until the gate opens.
    pub(super) fn wait(&self, context: &Context<'_>) {
        self.0.waits.set(Some(context.waker().clone()));
    }

    /// A request is being answered: its body may come.
    pub(super) fn begin(&self, request: &mut Request) {
        self.0.is_busy.set(true);
        if matches!(request.payload(), Payload::None) {
            return self.close();
        }
        let length = request
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        match length {
            Some(0) => return self.close(),
            Some(length) => return self.open(Part::Length(length)),
            None => {}
        }
        let payload: BoxedPayloadStream =
            Box::pin(Chunks { payload: request.take_payload(), gate: self.clone() });
        *request.payload() = Payload::Stream { payload };
        self.open(Part::Chunks);
    }

    /// The answer is there: the next request may come, after what is left of this one.
    pub(super) fn end(&self) {
        self.0.is_busy.set(false);
        if self.part() == Part::Nothing {
            self.open(Part::Head);
        }
    }

    pub(super) fn open(&self, part: Part) {
        self.0.open_for.set(part);
        if let Some(waker) = self.0.waits.take() {
            waker.wake();
        }
    }

    /// The end of a body.
    fn pass(&self) {
        self.open(if self.0.is_busy.get() { Part::Nothing } else { Part::Head });
    }
}

/// A body that tells where it ends.
struct Chunks {
    payload: Payload,
    gate: BodyGate,
}

impl Stream for Chunks {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.payload).poll_next(context);
        if matches!(next, Poll::Ready(None)) && self.gate.part() == Part::Chunks {
            self.gate.pass();
        }
        next
    }
}

/// Looks for the empty line at the end of a head, in pieces as they come.
#[derive(Debug, Default)]
pub(super) struct HeadEnd {
    /// Whether nothing but a carriage return came since the last line ended.
    is_line_empty: bool,
}

impl HeadEnd {
    /// Where the head ends in this piece.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let is_empty = |line: &[u8]| line.iter().all(|byte| *byte == b'\r');
        let mut start = 0;
        while let Some(length) = memchr(b'\n', &bytes[start..]) {
            let ends = self.is_line_empty && is_empty(&bytes[start..start + length]);
            start += length + 1;
            self.is_line_empty = !ends;
            if ends {
                return Some(start);
            }
        }
        self.is_line_empty &= is_empty(&bytes[start..]);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_its_empty_line_however_it_is_cut() {
        for head in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\n\n",
            "GET / HTTP/1.1\r\n\n",
            "\r\nGET / HTTP/1.1\r\n\r\n",
        ] {
            let bytes = format!("{head}GET /next HTTP/1.1\r\n\r\n").into_bytes();
            for cut in 0..head.len() {
                let mut end = HeadEnd::default();
                assert_eq!(end.find(&bytes[..cut]), None, "{head:?} {cut}");
                assert_eq!(end.find(&bytes[cut..]), Some(head.len() - cut), "{head:?} {cut}");
                assert_eq!(
                    end.find(&bytes[head.len()..]),
                    Some(bytes.len() - head.len()),
                    "the next one"
                );
            }
        }
    }
}
