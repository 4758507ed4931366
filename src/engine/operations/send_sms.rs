//! Sending SMS, for all operations.
//!
//! Each text costs money, and there are people who are paid for each one that reaches a range of
//! numbers they rented (S65, SMS pumping). So there are countries that texts go to, and a budget a
//! day (UTC), counted in the database in the transaction that queues the text, in one conditional
//! update: no race spends more. The limits of one number and one range of numbers are in
//! `limits.rs`.

use jiff::Timestamp;

use crate::{
    engine::{
        Engine,
        limits::SmsDay,
        outbox::{Schedule, Share, SmsMessage},
        settings::SmsCountries,
        store::{Row, StoreError, Transaction, damage, values},
    },
    port::{Code, Field, OperationError, Outcome, Phone, Refusal},
};

pub(super) const DAY: i64 = 24 * 60 * 60;

const QUEUED: &str = "select queued from text_days where day = $1";

impl Engine {
    /// Whether texts go to that number's country, and today's budget has some left; answers how far
    /// it is spent. To be asked before any account is looked at, so that it tells nothing of one.
    ///
    /// # Errors
    /// `CountryNotServed` at the phone, or `MessagesExhausted`.
    pub(in crate::engine) async fn validate_destination(
        &self,
        phone: &Phone,
        share: Share,
    ) -> Outcome<SmsDay> {
        let today = self.store().fetch_optional(QUEUED, values![self.today()]).await?;
        let verdict = self.validate_day(phone, share, today.as_ref());
        if let Err(error) = &verdict {
            self.log_if_exhausted(error).await?;
        }
        verdict
    }

    /// As [`validate_destination`](Self::validate_destination), within a transaction, and reads
    /// only: the operator is told afterwards, with [`log_if_exhausted`](Self::log_if_exhausted).
    pub(in crate::engine) async fn can_send_sms(
        &self,
        tx: &mut Transaction<'_>,
        phone: &Phone,
        share: Share,
    ) -> Outcome<SmsDay> {
        let today = tx.fetch_optional(QUEUED, values![self.today()]).await?;
        self.validate_day(phone, share, today.as_ref())
    }

    fn validate_day(&self, phone: &Phone, share: Share, today: Option<&Row>) -> Outcome<SmsDay> {
        if !self.serves(phone) {
            return Err(Refusal::at(Field::Phone, Code::CountryNotServed).into());
        }
        let queued = today
            .map(|today| damage::spare(today.integer("queued"), "text_days", ""))
            .transpose()?;
        let queued = queued.flatten().unwrap_or(0);
        if queued >= share.of(self.daily_budget()) {
            return Err(Code::MessagesExhausted.into());
        }
        let is_in_reserve = queued >= Share::Ordinary.of(self.daily_budget());
        Ok(SmsDay { budget: self.settings().messages.sms_daily_budget, is_in_reserve })
    }

    /// Tells the operator that the budget is spent, if that is the cause and was not told today.
    pub(in crate::engine) async fn log_if_exhausted(&self, error: &OperationError) -> Outcome<()> {
        if !matches!(
            error,
            OperationError::Rejected(refusal) if refusal.is(Code::MessagesExhausted)
        ) {
            return Ok(());
        }
        let sql = "select queued, told from text_days where day = $1";
        let Some(today) = self.store().fetch_optional(sql, values![self.today()]).await? else {
            return Ok(());
        };
        let Some(queued) = damage::spare(today.integer("queued"), "text_days", "")? else {
            return Ok(());
        };
        let told = damage::spare(today.integer("told"), "text_days", "")?.unwrap_or(0);
        let spent = Share::spent(queued, self.daily_budget());
        if told < spent {
            self.log_once(spent).await?;
        }
        Ok(())
    }

    /// Queues a text and counts it in the budget, in the transaction. After `expires_at` it is not
    /// sent any more.
    ///
    /// Notifications to owners go through [`notify_phone`](Self::notify_phone), which loses none.
    ///
    /// # Errors
    /// `CountryNotServed` at the phone, or `MessagesExhausted`: the share of the budget was spent
    /// since [`validate_destination`](Self::validate_destination), or nobody has proved that number
    /// and the rest is for proved ones. Nothing is dropped in silence: the page would call it sent
    /// (S107).
    pub(in crate::engine) async fn text(
        &self,
        tx: &mut Transaction<'_>,
        message: &SmsMessage,
        to: &Phone,
        expires_at: Option<Timestamp>,
    ) -> Outcome<()> {
        if !self.serves(to) {
            return Err(Refusal::at(Field::Phone, Code::CountryNotServed).into());
        }
        let sql = "select id from users where phone = $1 and phone_verified_at is not null limit 1";
        let is_proved = tx.fetch_optional(sql, values![to.as_str()]).await?.is_some();
        let share = message.share(is_proved);
        if !self.take_budget(tx, share, self.today()).await? {
            return Err(Code::MessagesExhausted.into());
        }
        let schedule = Schedule { expires_at, first: share.goes_first(), ..Schedule::default() };
        Ok(self.0.outbox.enqueue_sms(tx, message, to, schedule).await?)
    }

    /// Takes one text from the budget of a day. `false` when the share is spent. A damaged row
    /// begins anew: it must not cost everybody the texts of a day.
    pub(super) async fn take_budget(
        &self,
        tx: &mut Transaction<'_>,
        share: Share,
        day: i64,
    ) -> Result<bool, StoreError> {
        let new_day =
            "insert into text_days (day, queued) values ($1, 0) on conflict (day) do nothing";
        tx.execute(new_day, values![day]).await?;
        let take = "update text_days set queued = queued + 1 where day = $1 and queued < $2";
        let share = share.of(self.daily_budget());
        let row = tx.fetch_optional(QUEUED, values![day]).await?;
        if row.is_some_and(|row| row.integer("queued").is_err()) {
            damage::note("text_days", "", "queued");
            tx.execute("update text_days set queued = 0, told = 0 where day = $1", values![day])
                .await?;
        }
        Ok(tx.execute(take, values![day, share]).await? == 1)
    }

    /// Gives back a text that joined one that waits already.
    pub(super) async fn give_budget_back(
        &self,
        tx: &mut Transaction<'_>,
        day: i64,
    ) -> Result<(), StoreError> {
        let sql = "update text_days set queued = queued - 1 where day = $1 and queued > 0";
        tx.execute(sql, values![day]).await.map(drop)
    }

    /// Whether texts go to the country of that number.
    pub(super) fn serves(&self, phone: &Phone) -> bool {
        self.settings().messages.sms_countries.serve(phone)
    }

    /// Tells the operator, the first time on a day that so many shares are spent.
    async fn log_once(&self, spent: i64) -> Result<(), StoreError> {
        let sql = "update text_days set told = $2 where day = $1 and told < $2";
        if self.store().execute(sql, values![self.today(), spent]).await? == 0 {
            return Ok(());
        }
        let budget = self.daily_budget();
        if spent == Share::ALL.len() as i64 {
            tracing::error!(
                budget,
                "sms.daily_budget is spent: no more texts are sent today (UTC)"
            );
        } else {
            tracing::error!(
                budget,
                "most of sms.daily_budget is spent: the rest of today (UTC) is kept for owners and \
                    second factors"
            );
        }
        Ok(())
    }

    /// Whether texts are sent at all.
    pub(super) fn sends_texts(&self) -> bool {
        self.daily_budget() > 0
    }

    /// In days since 1970.
    pub(super) fn today(&self) -> i64 {
        self.now().as_second().div_euclid(DAY)
    }

    fn daily_budget(&self) -> i64 {
        i64::from(self.settings().messages.sms_daily_budget)
    }
}

impl SmsCountries {
    fn serve(&self, phone: &Phone) -> bool {
        match self {
            Self::All => true,
            Self::Only(countries) => {
                phone.country().is_some_and(|of| countries.iter().any(|country| country == of))
            }
        }
    }
}
