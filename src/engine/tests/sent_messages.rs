//! Sent messages: SMS and emails.

use std::{fs, sync::Mutex};

use super::fixture::Fixture;
use crate::{
    engine::outbox::{DeliveryWorker, OutboxFolder, SmsTransport, Transport},
    port::{DevInbox, Message},
};

/// Where everything that an engine sends arrives.
pub(super) struct SentMessages {
    delivery_worker: DeliveryWorker,
    folder: tempfile::TempDir,
    unread: Mutex<Vec<Message>>,
}

impl SentMessages {
    pub(super) fn of(fixture: &Fixture) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mail = Transport::folder(folder.path(), "hall@example.com", "Vestibule").unwrap();
        let sms = SmsTransport::folder(folder.path()).unwrap();
        let parts = &fixture.engine.0;
        let (clock, random) = (parts.clock.clone(), parts.random.clone());
        let delivery_worker = DeliveryWorker::new(
            parts.store.clone(),
            parts.outbox.clone(),
            mail,
            sms,
            clock,
            random,
        );
        Self { delivery_worker, folder, unread: Mutex::default() }
    }

    /// Messages to a number or an address since the last call, newest first.
    pub(super) async fn arrived(&self, to: &str) -> Vec<Message> {
        self.delivery_worker.drain().await;
        let messages = OutboxFolder::new(self.folder.path().to_owned()).messages().await.unwrap();
        for file in fs::read_dir(self.folder.path()).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        let mut unread = self.unread.lock().unwrap();
        unread.splice(..0, messages);
        unread.extract_if(.., |message| message.to == to).collect()
    }

    /// The codes that arrived at a number since this was asked last.
    pub(super) async fn codes(&self, phone: &str) -> Vec<String> {
        self.arrived(phone).await.into_iter().flat_map(|message| message.codes).collect()
    }

    /// The one code that arrived at a number.
    pub(super) async fn code(&self, phone: &str) -> String {
        let mut codes = self.codes(phone).await;
        assert_eq!(codes.len(), 1, "one code at {phone}");
        codes.remove(0)
    }
}

/// A code that is not this one.
pub(super) fn other_than(code: &str) -> String {
    if code == "111111" { "222222".to_owned() } else { "111111".to_owned() }
}
