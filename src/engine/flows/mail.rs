//! What the verbs have in common when they mail something.

use std::time::Duration;

use jiff::SignedDuration;

use crate::{
    engine::{
        Engine, accounts,
        flows::tell::asked_by,
        limits::Lane,
        outbox::{Letter, Mailed, SignUpSource},
        store::{StoreError, Transaction, values},
        tokens::{CODE_MINUTES, NewLink, Purpose, after},
    },
    port::{Email, Failure, Outcome},
};

impl Engine {
    /// Queues a letter that carries no link.
    pub(super) async fn write(&self, tx: &mut Transaction<'_>, letter: &Letter, to: &Email) -> Result<(), StoreError> {
        let delay = self.email_delay(tx, letter, to).await?;
        self.0.outbox.enqueue_after(tx, letter, to, delay, None).await
    }

    /// What the owner of an address is told when somebody tries to sign up with it. Its link leads to the sign-in page and
    /// carries no secret.
    pub(super) fn account_exists(&self) -> Letter {
        Letter::AccountExists { link: format!("{}/sign-in", self.settings().public_url) }
    }

    /// Makes a link and queues the letter that carries it, to the address that it proves.
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
        let is_other = |source: &SignUpSource| source.at != self.now() || source.from != asked_by(link.caller);
        let sign_up = sign_up.filter(is_other);
        let delay = self.delay_of(tx, link.purpose, link.email).await?;
        // It lives from when it is sent.
        let sent_at = after(self.now(), delay);
        let made = self.links().create(tx, link, self.random(), sent_at).await?;
        let mailed = Mailed {
            name,
            link: self.address_of_link(link.purpose, &made.key),
            minutes: link.purpose.minutes(),
            code: made.code,
            code_minutes: CODE_MINUTES,
            asked_by: asked_by(link.caller),
            sign_up,
        };
        let letter = match link.purpose {
            Purpose::EmailConfirm => Letter::ConfirmEmail(mailed),
            Purpose::MagicLink => Letter::MagicLink(mailed),
            Purpose::ResetPassword => Letter::ResetPassword(mailed),
            Purpose::ChangeEmail => Letter::ConfirmEmailChange(mailed),
            Purpose::NotMe => return Err(Failure::broken("that link stands in a letter of its own").into()),
        };
        Ok(self.0.outbox.enqueue_after(tx, &letter, link.email, delay, Some(made.expires_at)).await?)
    }

    async fn email_delay(
        &self,
        tx: &mut Transaction<'_>,
        letter: &Letter,
        to: &Email,
    ) -> Result<SignedDuration, StoreError> {
        // Strangers cause it, whoever reads the mailbox.
        let is_ordinary = matches!(letter, Letter::AccountExists { .. });
        let lane = if is_ordinary { Lane::Ordinary } else { self.lane_of(tx, to).await? };
        Ok(signed(self.limits().email_delay(lane, self.now())))
    }

    async fn delay_of(
        &self,
        tx: &mut Transaction<'_>,
        purpose: Purpose,
        to: &Email,
    ) -> Result<SignedDuration, StoreError> {
        let lane = match purpose {
            Purpose::MagicLink | Purpose::ResetPassword => self.lane_of(tx, to).await?,
            Purpose::EmailConfirm | Purpose::ChangeEmail | Purpose::NotMe => Lane::Ordinary,
        };
        Ok(signed(self.limits().email_delay(lane, self.now())))
    }

    /// The lane of a mailbox: an account has proved it, or none has.
    async fn lane_of(&self, tx: &mut Transaction<'_>, mailbox: &Email) -> Result<Lane, StoreError> {
        let sql = "select id from users where email = $1 and email_verified_at is not null limit 1";
        let proved = tx.fetch_optional(sql, values![mailbox.as_str()]).await?.is_some();
        Ok(if proved { Lane::Proved } else { Lane::Ordinary })
    }

    /// The address in the letter. What has no later step on the wire has a page of its own (DESIGN.md §4.2).
    pub(super) fn address_of_link(&self, purpose: Purpose, key: &str) -> String {
        let public_url = &self.settings().public_url;
        match purpose {
            Purpose::ChangeEmail => format!("{public_url}/profile/email/confirm?key={key}"),
            Purpose::NotMe => format!("{public_url}/not-me?key={key}"),
            purpose => format!("{public_url}/_api/rest/v1/auth/verify?key={key}&action={}", purpose.action()),
        }
    }

    /// Takes the time of queueing a letter where there is nobody to write to: one durable write, so that the wait does not
    /// tell whether an account exists (SECURITY.md S03, S05).
    pub(super) async fn write_nothing(&self) -> Result<(), StoreError> {
        let mut row = [0];
        self.random().fill(&mut row);
        let mut tx = self.store().begin().await?;
        let sql = "update decoys set written = written + 1 where id = $1";
        tx.execute(sql, values![i64::from(row[0] % 16)]).await?;
        tx.commit().await
    }
}

fn signed(delay: Duration) -> SignedDuration {
    SignedDuration::try_from(delay).unwrap_or(SignedDuration::ZERO)
}
