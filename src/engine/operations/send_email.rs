//! Sending emails, for all operations.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

use crate::{
    engine::{
        Engine,
        clock::after,
        codes::{CodePurpose, six_digits},
        limits::Lane,
        links::{CODE_MINUTES, Made, NewLink, Purpose},
        operations::{notify::asked_by, send_code::message_of},
        outbox::{EmailContext, EmailMessage, Schedule, SignUpSource},
        random::{new_id, new_token},
        store::{StoreError, Transaction, values},
        users::accounts,
    },
    port::{Caller, Email, Failure, OneTimeCode, Outcome, Phone},
};

/// Time between two moments at which a question about an address or number is answered. Known and
/// unknown take a few milliseconds.
const STEP: Duration = Duration::from_millis(25);

impl Engine {
    /// Queues an email that carries no link.
    pub(super) async fn write(
        &self,
        tx: &mut Transaction<'_>,
        email_message: &EmailMessage,
        to: &Email,
    ) -> Result<(), StoreError> {
        // Visitors cause it, whoever reads the mailbox.
        let is_ordinary = matches!(email_message, EmailMessage::AccountExists { .. });
        let lane = if is_ordinary { Lane::Ordinary } else { self.lane_of(tx, to).await? };
        self.0.outbox.enqueue_at(tx, email_message, to, self.schedule(lane)).await
    }

    /// Email to the owner of an address after a sign-up attempt with it. Its link leads to the
    /// sign-in page and carries no secret.
    pub(super) fn account_exists(&self) -> EmailMessage {
        EmailMessage::AccountExists { link: format!("{}/sign-in", self.settings().public_url) }
    }

    /// Makes a link and queues the email that carries it, to the address that it proves.
    pub(super) async fn write_link(
        &self,
        tx: &mut Transaction<'_>,
        link: &NewLink<'_>,
        name: Option<String>,
    ) -> Outcome<()> {
        let sign_up = match link.purpose {
            Purpose::EmailConfirm => accounts::sign_up_source(tx, link.user_id).await?,
            _ => None,
        };
        let is_other =
            |source: &SignUpSource| source.at != self.now() || source.from != asked_by(link.caller);
        let sign_up = sign_up.filter(is_other);
        let lane = match link.purpose {
            Purpose::MagicLink | Purpose::ResetPassword => self.lane_of(tx, link.email).await?,
            Purpose::EmailConfirm | Purpose::ChangeEmail | Purpose::AccountRecovery => {
                Lane::Ordinary
            }
        };
        let schedule = self.schedule(lane);
        // It lives from when it is sent.
        let sent_at = after(self.now(), schedule.delay);
        let made = self.links().create(tx, link, self.random(), sent_at).await?;
        let expires_at = Some(made.expires_at);
        let email_message = self.letter_of(link.purpose, link.caller, (name, sign_up), made)?;
        let schedule = Schedule { expires_at, ..schedule };
        Ok(self.0.outbox.enqueue_at(tx, &email_message, link.email, schedule).await?)
    }

    fn letter_of(
        &self,
        purpose: Purpose,
        caller: &Caller,
        (name, sign_up): (Option<String>, Option<SignUpSource>),
        made: Made,
    ) -> Outcome<EmailMessage> {
        let emailed = EmailContext {
            name,
            link: self.address_of_link(purpose, &made.key),
            minutes: purpose.minutes(),
            code: made.code,
            code_minutes: CODE_MINUTES,
            asked_by: asked_by(caller),
            sign_up,
        };
        Ok(match purpose {
            Purpose::EmailConfirm => EmailMessage::ConfirmEmail(emailed),
            Purpose::MagicLink => EmailMessage::MagicLink(emailed),
            Purpose::ResetPassword => EmailMessage::ResetPassword(emailed),
            Purpose::ChangeEmail => EmailMessage::ConfirmEmailChange(emailed),
            Purpose::AccountRecovery => {
                return Err(Failure::broken("that link stands in an email of its own").into());
            }
        })
    }

    /// Takes the place of one email in its lane.
    fn schedule(&self, lane: Lane) -> Schedule {
        let delay = self.limits().email_delay(lane, self.now());
        let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::ZERO);
        Schedule { delay, first: lane == Lane::Reauthenticated, ..Schedule::default() }
    }

    /// The lane of a mailbox: an account has proved it, or none has. Where no account ever does,
    /// one that holds it counts.
    async fn lane_of(&self, tx: &mut Transaction<'_>, mailbox: &Email) -> Result<Lane, StoreError> {
        let sql = if self.settings().confirm_email {
            "select id from users where email = $1 and email_verified_at is not null limit 1"
        } else {
            "select user_id from held_emails where email = $1"
        };
        let proved = tx.fetch_optional(sql, values![mailbox.as_str()]).await?.is_some();
        Ok(if proved { Lane::Reauthenticated } else { Lane::Ordinary })
    }

    /// The address in the email. What has no later step on the wire has a page of its own.
    pub(super) fn address_of_link(&self, purpose: Purpose, key: &str) -> String {
        let public_url = &self.settings().public_url;
        match purpose {
            Purpose::ChangeEmail => format!("{public_url}/profile/email/confirm?key={key}"),
            Purpose::AccountRecovery => format!("{public_url}/not-me?key={key}"),
            purpose => format!(
                "{public_url}/_api/rest/v1/auth/verify?key={key}&action={}",
                purpose.action()
            ),
        }
    }

    /// Takes the time of [`write_link`](Self::write_link) where there is nobody to write to: the
    /// same work and as many durable writes, so that the wait does not tell whether an account
    /// exists (S03, S05).
    pub(super) async fn write_no_link(
        &self,
        caller: &Caller,
        purpose: Purpose,
        to: &Email,
    ) -> Outcome<()> {
        let (id, key) = (new_id(self.random()), new_token(self.random()));
        let code = caller
            .browser
            .as_ref()
            .map(|_| OneTimeCode::parse(&six_digits(self.random())))
            .transpose()?;
        let has_code = code.is_some();
        let made = Made { id, key, code, expires_at: self.now() };
        let email_message = self.letter_of(purpose, caller, (None, None), made)?;
        let mut tx = self.store().begin().await?;
        self.lane_of(&mut tx, to).await?;
        self.outbox().enqueue_nothing(&mut tx, &email_message, to).await?;
        self.write_decoy(&mut tx).await?;
        if has_code {
            self.write_decoy(&mut tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// As [`write_no_link`](Self::write_no_link), of the text with a code.
    pub(super) async fn text_nothing(&self, purpose: CodePurpose, to: &Phone) -> Outcome<()> {
        let code = OneTimeCode::parse(&six_digits(self.random()))?;
        let mut tx = self.store().begin().await?;
        let sql = "select id from users where phone = $1 and phone_verified_at is not null limit 1";
        tx.fetch_optional(sql, values![to.as_str()]).await?;
        self.outbox().enqueue_no_text(&mut tx, &message_of(purpose, code), to).await?;
        self.write_decoy(&mut tx).await?;
        self.write_decoy(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Takes the time of one durable write.
    pub(super) async fn write_nothing(&self) -> Result<(), StoreError> {
        let mut tx = self.store().begin().await?;
        self.write_decoy(&mut tx).await?;
        tx.commit().await
    }

    async fn write_decoy(&self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        let mut row = [0];
        self.random().fill(&mut row);
        let sql = "update decoys set written = written + 1 where id = $1";
        tx.execute(sql, values![i64::from(row[0] % 16)]).await.map(drop)
    }

    /// Answers at a whole multiple of [`STEP`] after the question came: what is left of a
    /// difference between known and unknown is smaller than that.
    pub(super) async fn even_out(&self, begun: Instant) {
        let steps = begun.elapsed().as_millis() / STEP.as_millis() + 1;
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        tokio::time::sleep_until(begun + STEP.saturating_mul(steps)).await;
    }
}
