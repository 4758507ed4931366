//! Telling owners what was done to their accounts, whoever did it (S21).
//!
//! One function for every change to how an account is got into: it goes by email to the stored
//! address, with a link that says "that was not me", and by SMS where the account has no mailbox.
//! What is told is queued in the transaction of the change (R03). Beyond a few messages an hour it
//! is merged into one digest (S106, `notifications`), and none of it is lost.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::send_sms::DAY;
use crate::{
    engine::{
        Engine,
        links::{self, NewLink, Purpose},
        outbox::{
            DigestTarget, EmailMessage, Notification, NotificationEmail, PendingDigest, Schedule,
            Share, SmsMessage,
            digests::{
                Digest, DigestChange, DigestDecision, Kept, NotificationKey, NotificationMedium,
                counted_for,
            },
        },
        store::{StoreError, Transaction, values},
        user_agent,
        users::accounts::Account,
    },
    port::{Caller, Email, LinkKey, Outcome, Phone},
};

/// Days ahead whose budget pays for a digest by SMS. The delivery worker takes a message that waits
/// for longer for one of a clock that ran ahead. What none of them pays is kept, and queued on the
/// first day that does ([`send_kept`]).
const DAYS_AHEAD: i64 = 2;

/// Change that an account recovery link undoes, besides the common effects. How it stands in the
/// database is written here and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) enum Undo {
    /// Codes by SMS; before them nothing was asked for.
    SecondFactor,
    /// Codes by SMS, beside an app that was there before.
    SecondFactorBesideApp,
    /// Codes of an app; before it nothing was asked for.
    Authenticator,
    /// Codes of an app, beside codes by SMS that were there before.
    AuthenticatorBesideSms,
    /// Codes of an app that took the place of another one.
    OtherAuthenticator,
    /// All of them: a visitor has made or used some.
    RecoveryCodes,
    /// The number: back to the one that the account had and had proved, or to none.
    Phone { former: Option<FormerNumber> },
}

/// A number that an account had before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct FormerNumber {
    pub(in crate::engine) number: Phone,
    /// Time since when the account had it, of one that was added without a second factor
    /// (`users/accounts/recent.rs`).
    pub(in crate::engine) added: Option<Timestamp>,
}

impl Engine {
    /// Tells the owner. `account` is the account as it was before the change, so that the email
    /// goes where it went until then.
    ///
    /// A new address is told with [`notify_mailbox`](Self::notify_mailbox), as the account had
    /// another before.
    pub(in crate::engine) async fn notify_owner(
        &self,
        tx: &mut Transaction<'_>,
        caller: &Caller,
        account: &Account,
        notification: Notification,
    ) -> Outcome<()> {
        if let Some(mailbox) = account.mailbox().filter(|_| account.claims_email) {
            return self.notify_by_email(tx, caller, account, notification, &mailbox, true).await;
        }
        match account.number() {
            Some(number) => self.notify_phone(tx, account, &notification, &number).await,
            None => Ok(()),
        }
    }

    /// Tells whoever reads a mailbox, without a link.
    pub(in crate::engine) async fn notify_mailbox(
        &self,
        tx: &mut Transaction<'_>,
        caller: &Caller,
        account: &Account,
        notification: Notification,
        mailbox: &Email,
    ) -> Outcome<()> {
        self.notify_by_email(tx, caller, account, notification, mailbox, false).await
    }

    /// Tells whoever has a phone, at once or in a digest. A digest that the budget of today cannot
    /// pay waits for tomorrow's.
    pub(super) async fn notify_phone(
        &self,
        tx: &mut Transaction<'_>,
        account: &Account,
        notification: &Notification,
        number: &Phone,
    ) -> Outcome<()> {
        let Some(message) =
            notification.text().filter(|_| self.serves(number) && self.sends_texts())
        else {
            return Ok(());
        };
        let is_proved = account.user.phone_verified && account.number().as_ref() == Some(number);
        let share = message.share(is_proved);
        let is_paid = self.take_budget(tx, share, self.today()).await?;
        let (way, recipient) = (NotificationMedium::Sms, number.as_str());
        let user_id = counted_for(tx, way, recipient, (&account.user.id, is_proved)).await?;
        let unproved_of = (!is_proved).then_some(&*account.user.id);
        let notification_key =
            NotificationKey { user_id, way, recipient, kind: notification.name(), unproved_of };
        let digest = match notification_key.count(tx, is_paid, self.now()).await? {
            DigestDecision::AtOnce => {
                return Ok(self
                    .outbox()
                    .enqueue_sms(tx, &message, number, Schedule::default())
                    .await?);
            }
            DigestDecision::Merge(digest) => digest,
        };
        let waits = self.held(tx, &digest).await?.is_some();
        if waits && is_paid {
            self.give_budget_back(tx, self.today()).await?;
        }
        let mut digest = digest.with(notification.name(), self.now(), waits);
        let place = match &digest.message_id {
            Some(id) => DigestTarget::Waiting(id),
            None if is_paid => DigestTarget::New { delay: way.gathers(is_proved) },
            None => match self.delay_until_paid(tx, share).await? {
                Some(delay) => DigestTarget::New { delay },
                None => return Ok(notification_key.keep(tx, &digest).await?),
            },
        };
        digest.message_id =
            Some(self.outbox().put_sms_digest(tx, &several(&digest), number, place).await?);
        Ok(notification_key.keep(tx, &digest).await?)
    }

    /// Delays a new digest by SMS that today does not pay, to the first of the next days that does.
    /// `None` where none of them has room: then it is kept until one has, and a log line says so.
    async fn delay_until_paid(
        &self,
        tx: &mut Transaction<'_>,
        share: Share,
    ) -> Result<Option<SignedDuration>, StoreError> {
        for day in (self.today() + 1)..=(self.today() + DAYS_AHEAD) {
            if self.take_budget(tx, share, day).await? {
                let delay =
                    SignedDuration::from_secs(day.saturating_mul(DAY) - self.now().as_second());
                return Ok(Some(delay.max(NotificationMedium::Sms.gathers(true))));
            }
        }
        tracing::warn!(
            days = DAYS_AHEAD,
            "an owner is told by SMS later: sms.daily_budget is spent for days ahead"
        );
        Ok(None)
    }

    async fn notify_by_email(
        &self,
        tx: &mut Transaction<'_>,
        caller: &Caller,
        account: &Account,
        notification: Notification,
        mailbox: &Email,
        takes_back: bool,
    ) -> Outcome<()> {
        let (way, recipient) = (NotificationMedium::Email, mailbox.as_str());
        let is_proved = account.user.email_verified && account.mailbox().as_ref() == Some(mailbox);
        let user_id = counted_for(tx, way, recipient, (&account.user.id, is_proved)).await?;
        let unproved_of = (!is_proved).then_some(&*account.user.id);
        let notification_key =
            NotificationKey { user_id, way, recipient, kind: notification.name(), unproved_of };
        let digest = match notification_key.count(tx, true, self.now()).await? {
            DigestDecision::Merge(digest) => digest,
            DigestDecision::AtOnce => {
                let account_recovery = match takes_back {
                    true => Some(
                        self.account_recovery_link(tx, caller, account, mailbox, &notification)
                            .await?,
                    ),
                    false => None,
                };
                let notice = NotificationEmail {
                    name: account.user.name.clone(),
                    account_recovery,
                    asked_by: asked_by(caller),
                };
                return Ok(self
                    .write(tx, &EmailMessage::Told(notification, notice), mailbox)
                    .await?);
            }
        };
        let held = self.held(tx, &digest).await?;
        let waits = held.is_some();
        let former = self.live_link_of(tx, held).await?;
        // The oldest link takes back what came later, too. What a later change takes back is a link
        // of its own.
        let needs_link =
            takes_back && (former.is_none() || Undo::of(account, &notification).is_some());
        let link = match needs_link {
            true => {
                Some(self.account_recovery_link(tx, caller, account, mailbox, &notification).await?)
            }
            false => None,
        };
        let mut digest = digest.with(notification.name(), self.now(), waits);
        let changes = digest.changes.iter().map(line).collect();
        let email_message = EmailMessage::SeveralChanges {
            name: account.user.name.clone(),
            changes,
            account_recovery: former.or(link),
        };
        let place = match &digest.message_id {
            Some(id) => DigestTarget::Waiting(id),
            None => DigestTarget::New { delay: NotificationMedium::Email.gathers(is_proved) },
        };
        digest.message_id =
            Some(self.outbox().put_digest(tx, &email_message, mailbox, place).await?);
        Ok(notification_key.keep(tx, &digest).await?)
    }

    /// The digest that waits, if the delivery worker has not begun to send it.
    async fn held(
        &self,
        tx: &mut Transaction<'_>,
        digest: &Digest,
    ) -> Result<Option<PendingDigest>, StoreError> {
        match &digest.message_id {
            Some(id) => self.outbox().hold_digest(tx, id).await,
            None => Ok(None),
        }
    }

    /// The link of a digest that waits, as long as it takes anything back: an account recovery
    /// revokes the newer ones.
    async fn live_link_of(
        &self,
        tx: &mut Transaction<'_>,
        held: Option<PendingDigest>,
    ) -> Result<Option<String>, StoreError> {
        let Some(link) = held.and_then(|waiting| waiting.account_recovery) else { return Ok(None) };
        let key = link.split_once("?key=").and_then(|(_, key)| LinkKey::parse(key).ok());
        match key {
            Some(key) if self.links().lives(tx, &key, self.now()).await? => Ok(Some(link)),
            _ => Ok(None),
        }
    }

    async fn account_recovery_link(
        &self,
        tx: &mut Transaction<'_>,
        caller: &Caller,
        account: &Account,
        mailbox: &Email,
        notification: &Notification,
    ) -> Outcome<String> {
        let undo = Undo::of(account, notification).map(|undo| undo.word());
        let link = NewLink {
            purpose: Purpose::AccountRecovery,
            user_id: &account.user.id,
            email: mailbox,
            caller,
            keeps_password: true,
            undo: undo.as_deref(),
        };
        let made = self.links().create(tx, &link, self.random(), self.now()).await?;
        if let Some(added) =
            account.email_added.filter(|_| account.mailbox().as_ref() == Some(mailbox))
        {
            links::note_mailbox_added(tx, &made.id, added).await?;
        }
        let key = made.key;
        let page = if matches!(notification, Notification::EmailChanged { .. }) {
            "profile/email/undo"
        } else {
            "not-me"
        };
        Ok(format!("{}/{page}?key={key}", self.settings().public_url))
    }
}

/// Queues the digests by SMS that no budget paid yet, as far as today's goes. To be called now and
/// then.
pub(in crate::engine) async fn send_kept(engine: &Engine) -> Result<(), StoreError> {
    if !engine.sends_texts() {
        return Ok(());
    }
    for kept in Kept::some(engine.store()).await? {
        let mut tx = engine.store().begin().await?;
        let Some(mut digest) = kept.lock(&mut tx, engine.now()).await? else { continue };
        let number = Phone::parse(&kept.recipient).ok().filter(|_| !digest.changes.is_empty());
        let Some(number) = number else {
            kept.give_up(tx).await?;
            continue;
        };
        let sql =
            "select id from users where id = $1 and phone = $2 and phone_verified_at is not null";
        let is_proved =
            tx.fetch_optional(sql, values![&kept.user_id, &kept.recipient]).await?.is_some();
        let message = several(&digest);
        // A number that nobody proved has a smaller share: it holds none of the others back.
        if !engine.take_budget(&mut tx, message.share(is_proved), engine.today()).await? {
            continue;
        }
        let place = DigestTarget::New { delay: SignedDuration::ZERO };
        digest.message_id =
            Some(engine.outbox().put_sms_digest(&mut tx, &message, &number, place).await?);
        kept.keep(&mut tx, &digest).await?;
        tx.commit().await?;
    }
    Ok(())
}

impl Undo {
    fn of(account: &Account, notification: &Notification) -> Option<Self> {
        match notification {
            Notification::SecondFactorOn if account.authenticator => {
                Some(Self::SecondFactorBesideApp)
            }
            Notification::SecondFactorOn => Some(Self::SecondFactor),
            Notification::AuthenticatorOn if account.authenticator => {
                Some(Self::OtherAuthenticator)
            }
            Notification::AuthenticatorOn if account.user.two_factor => {
                Some(Self::AuthenticatorBesideSms)
            }
            Notification::AuthenticatorOn => Some(Self::Authenticator),
            Notification::RecoveryCodesNew | Notification::RecoveryCodeUsed { .. } => {
                Some(Self::RecoveryCodes)
            }
            Notification::PhoneChanged { .. } => {
                let former = account.number().filter(|_| account.user.phone_verified);
                Some(Self::Phone {
                    former: former
                        .map(|number| FormerNumber { number, added: account.phone_added }),
                })
            }
            _ => None,
        }
    }

    fn word(&self) -> String {
        match self {
            Self::SecondFactor => "second-factor".to_owned(),
            Self::SecondFactorBesideApp => "second-factor-beside-app".to_owned(),
            Self::Authenticator => "authenticator".to_owned(),
            Self::AuthenticatorBesideSms => "authenticator-beside-text".to_owned(),
            Self::OtherAuthenticator => "other-authenticator".to_owned(),
            Self::RecoveryCodes => "recovery-codes".to_owned(),
            Self::Phone { former } => {
                format!("phone:{}", former.as_ref().map(FormerNumber::word).unwrap_or_default())
            }
        }
    }

    /// Reads the word of the database; nothing for one that a later release wrote.
    pub(in crate::engine) fn read(word: &str) -> Option<Self> {
        match (word, word.strip_prefix("phone:")) {
            ("second-factor", _) => Some(Self::SecondFactor),
            ("second-factor-beside-app", _) => Some(Self::SecondFactorBesideApp),
            ("authenticator", _) => Some(Self::Authenticator),
            ("authenticator-beside-text", _) => Some(Self::AuthenticatorBesideSms),
            ("other-authenticator", _) => Some(Self::OtherAuthenticator),
            ("recovery-codes", _) => Some(Self::RecoveryCodes),
            (_, Some(former)) => Some(Self::Phone { former: FormerNumber::read(former) }),
            _ => None,
        }
    }
}

impl FormerNumber {
    fn word(&self) -> String {
        let added =
            self.added.map(|added| format!("@{}", added.as_millisecond())).unwrap_or_default();
        format!("{}{added}", self.number)
    }

    /// A time that is damaged counts as the end of time.
    fn read(word: &str) -> Option<Self> {
        let (number, added) =
            word.split_once('@').map_or((word, None), |(number, added)| (number, Some(added)));
        let time = |added: &str| {
            added.parse().ok().and_then(|added| Timestamp::from_millisecond(added).ok())
        };
        let added = added.map(|added| time(added).unwrap_or(Timestamp::MAX));
        Some(Self { number: Phone::parse(number).ok()?, added })
    }
}

/// One line of a digest: what happened, how often, and when.
fn line(change: &DigestChange) -> String {
    let what = Notification::in_words(&change.kind);
    match change.times {
        0 | 1 => format!("{what}, on {}", moment(change.first)),
        times => format!(
            "{what}, {times} times, from {} to {}",
            moment(change.first),
            moment(change.last)
        ),
    }
}

fn several(digest: &Digest) -> SmsMessage {
    let times = digest.changes.iter().map(|change| change.times).sum();
    let since = digest.changes.iter().map(|change| change.first).min().unwrap_or_default();
    SmsMessage::SeveralChanges { times, since: moment(since) }
}

fn moment(milliseconds: i64) -> String {
    let at = Timestamp::from_millisecond(milliseconds).unwrap_or_default();
    at.to_zoned(TimeZone::UTC).strftime("%-d %b %H:%M UTC").to_string()
}

/// Requester as "Firefox on Linux, 203.0.113.7": families that we know and an address, no word of
/// the header itself (S63). `None` where nothing is known.
pub(in crate::engine) fn asked_by(caller: &Caller) -> Option<String> {
    let agent = user_agent::parse(&caller.user_agent);
    let known = |family: String| (family != "Other").then_some(family);
    let browser = match (known(agent.browser.family), known(agent.system.family)) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        (browser, system) => browser.or(system),
    };
    let parts: Vec<String> = browser
        .into_iter()
        .chain(caller.address.map(|address| address.to_canonical().to_string()))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Channel;

    fn caller(user_agent: &str, address: Option<&str>) -> Caller {
        Caller {
            channel: Channel::Pages,
            address: address.map(|address| address.parse().unwrap()),
            user_agent: user_agent.to_owned(),
            session: None,
            browser: None,
            devices: Vec::new(),
            redirect_url: None,
            unlisted: None,
            is_operator: false,
        }
    }

    /// S63
    #[test]
    fn who_asked_is_said_in_words_of_ours() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 \
            visit evil.example";
        let of = |agent, address| asked_by(&caller(agent, address));
        assert_eq!(
            of(firefox, Some("::ffff:203.0.113.7")).as_deref(),
            Some("Firefox on Linux, 203.0.113.7")
        );
        assert_eq!(
            of("visit https://evil.example", Some("203.0.113.7")).as_deref(),
            Some("203.0.113.7")
        );
        assert_eq!(of("", None), None);
    }

    #[test]
    fn what_is_taken_back_is_read_as_it_was_written() {
        let number = Phone::parse("+4915112345678").unwrap();
        let former = |added| Some(FormerNumber { number: number.clone(), added });
        for undo in [
            Undo::SecondFactor,
            Undo::SecondFactorBesideApp,
            Undo::Authenticator,
            Undo::AuthenticatorBesideSms,
            Undo::OtherAuthenticator,
            Undo::RecoveryCodes,
            Undo::Phone { former: None },
            Undo::Phone { former: former(None) },
            Undo::Phone { former: former(Timestamp::from_millisecond(1_800_000_000_000).ok()) },
        ] {
            assert_eq!(Undo::read(&undo.word()), Some(undo));
        }
        assert_eq!(Undo::read("what comes later"), None);
        let damaged = Undo::read("phone:+4915112345678@yesterday");
        assert_eq!(damaged, Some(Undo::Phone { former: former(Some(Timestamp::MAX)) }));
    }
}
