//! How often things may be tried: by whom, against whom, and in all.
//!
//! # The contract
//!
//! * Every limit is a row of [`LimitedAction::allowance`], with the reason of its numbers.
//!   `limits.factor` multiplies them all.
//! * What is counted is the *target* or the *source*, never a cookie: dropping it or writing an
//!   address in another case resets nothing, nor does a success (S13). Unknown accounts are counted
//!   like known ones (S06).
//! * An allowance comes back bit by bit, so nobody is ever locked out for good (S12), whatever the
//!   clock does (R15).
//! * Asking is steady, guessing is [growing](backoff): the wait after each wrong guess doubles, to
//!   an hour at most. Who waits, and what all together get, is told in [guesses].
//! * An address counts for itself and for the [networks] around it: an address more costs nothing
//!   where somebody has many.
//! * Memory has an end, and what is used up stays remembered until it is free again ([counters]).
//!
//! The algorithm is GCRA (ITU-T I.371): the time at which a key would be idle. The counters live in
//! this process and begin anew with it.

mod backoff;
mod counters;
mod email_throttle;
mod guesses;
mod networks;
mod sms_circuit_breaker;
mod sms_shares;

use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;

pub(super) use self::email_throttle::Lane;
use self::{
    backoff::Backoff,
    counters::{CounterState, Counters},
    email_throttle::EmailThrottle,
    networks::Level,
    sms_circuit_breaker::SmsCircuitBreaker,
};
pub(super) use self::{
    guesses::{Guesser, LimitOrigin, NewGuess, Secret, TakenGuess},
    networks::{are_neighbours, customer},
    sms_shares::{FactorText, SmsDay},
};
use crate::port::{Caller, Code, Email, Outcome, Phone};

/// Limited actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum LimitedAction {
    SignInFromAddress,
    ProviderFromAddress,
    SignInToAccount,
    SignInToAccountInAll,
    ConfirmPassword,
    ConfirmPasswordInAll,
    SignUpFromAddress,
    EmailFromAddress,
    EmailToMailbox,
    EmailFromAccount,
    UploadToAccount,
    GuessCode,
    GuessCodeInAll,
    SmsFromAddress,
    SmsToNumber,
    SmsToNumberInAll,
    SmsToRange,
    SmsFromAccount,
    MoveFromUnproved,
    SecondFactorToAccount,
    SecondFactorInAll,
    SecondFactorToRange,
    TextFromReserve,
    LogoutFromAddress,
    GuessFromAddress,
    ChangeFromAddress,
    RatePassword,
    ReadPhone,
    SearchFiles,
    ReadFromAddress,
    WriteStorage,
}

/// How often something may be done.
enum Allowance {
    /// `burst` at once, then one every `refill`.
    Steady {
        burst: f64,
        refill: Duration,
    },
    Backoff(Backoff),
}

impl LimitedAction {
    fn allowance(self) -> Allowance {
        let (burst, refill_seconds) = match self {
            // An office or a school behind one address signs in within minutes in the morning; 600
            // an hour is still far from what stuffing stolen passwords takes.
            Self::SignInFromAddress => (60.0, 6),
            // Apart from the others: any page may send a browser on this way, and must not use up
            // the sign-ins by password of everybody behind its address.
            Self::ProviderFromAddress => (60.0, 6),
            // Wrong guesses only, of one network at one account. Five cover a person's
            // forgetfulness.
            Self::SignInToAccount => return Allowance::Backoff(Backoff { free: 5.0 }),
            // From everywhere at one account: what NIST SP 800-63B-4 allows in a row, then 48 a day
            // (`guesses.rs`).
            Self::SignInToAccountInAll => (100.0, 1800),
            // The current password, typed to confirm a change: somebody at an unlocked screen
            // guesses here. Of one session.
            Self::ConfirmPassword => return Allowance::Backoff(Backoff { free: 5.0 }),
            // Of all sessions of an account.
            Self::ConfirmPasswordInAll => (50.0, 3600),
            // Each one costs a hash, a row and an email. A class room signs up at once.
            Self::SignUpFromAddress => (20.0, 180),
            // One person needs two or three; the burst is for people behind one address.
            Self::EmailFromAddress => (20.0, 180),
            // Five at once, five an hour: enough to look into the wrong folder and try again;
            // nobody's inbox is flooded by visitors (S64). Counted for each kind of email, so that
            // sign-ups by visitors keep no reset away.
            Self::EmailToMailbox => (5.0, 720),
            // A signed-in user who types one foreign address after another.
            Self::EmailFromAccount => (10.0, 600),
            // Each one costs a second of decoding. Somebody tries a few pictures until one looks
            // right.
            Self::UploadToAccount => (30.0, 60),
            // Wrong codes that one network types for a number, over all codes that are sent to it
            // (S17). The codes count their own five; this is two of them, so that a person who used
            // one up can begin again at once.
            Self::GuessCode => return Allowance::Backoff(Backoff { free: 10.0 }),
            // From everywhere at one account (`guesses.rs`).
            Self::GuessCodeInAll => (50.0, 3600),
            // As email, but each one costs money: half of it.
            Self::SmsFromAddress => (10.0, 360),
            // As email to a mailbox. A person signs in with codes from a few devices at once.
            Self::SmsToNumber => (5.0, 720),
            // Of all kinds together: a seventh of the default budget in a day, so that an own
            // number cannot spend the texts of everybody (S65).
            Self::SmsToNumberInAll => (20.0, 1800),
            // Ten thousand numbers that differ in their last four digits: who is paid for each
            // message to a range that they rented asks for many of it (S65, SMS pumping).
            Self::SmsToRange => (30.0, 120),
            // A signed-in user who types one foreign number after another.
            Self::SmsFromAccount => (10.0, 600),
            // An account that leaves a number which nobody proved, and tells that number. Somebody
            // corrects a number twice; nobody has a new one every day.
            Self::MoveFromUnproved => (3.0, 14_400),
            // Codes after a right first factor. Somebody who knows the password must not flood the
            // phone; the owner must not be kept out for long by them.
            Self::SecondFactorToAccount => (10.0, 120),
            // Of all browsers that are known together, and of all others: 44 in a day. Who is asked
            // more often trusts a browser or uses an app (`sms_shares.rs`).
            Self::SecondFactorInAll => (20.0, 3600),
            // One a day, times a share of the day's budget.
            Self::SecondFactorToRange | Self::TextFromReserve => (1.0, 86_400),
            // Logout tokens that are not right: each costs a signature that is checked.
            Self::LogoutFromAddress => (60.0, 6),
            // Codes, link tokens and passwords for an account that is known. Each has a few guesses
            // of its own (S17); this ends a search over many accounts from one address. Twice the
            // sign-ins, since a sign-in may take a second factor.
            Self::GuessFromAddress => (120.0, 3),
            // Changes of a signed-in user that cost a write and nothing else. An office makes a few
            // hundred in the morning; a program that does nothing else is slowed down to one a
            // second.
            Self::ChangeFromAddress => (600.0, 1),
            // Each new password that is typed costs a few milliseconds, good or not.
            Self::RatePassword => (120.0, 3),
            // Up to four milliseconds each. A page reads a number twice.
            Self::ReadPhone => (240.0, 1),
            // Up to some ten milliseconds each.
            Self::SearchFiles => (120.0, 1),
            // A row or a file, by its name. An office opens pages with many pictures of their own.
            Self::ReadFromAddress => {
                return Allowance::Steady { burst: 3000.0, refill: Duration::from_millis(50) };
            }
            // As a change of a signed-in user. Apart from those: an application that tidies up
            // keeps nobody from signing out.
            Self::WriteStorage => (600.0, 1),
        };
        Allowance::Steady { burst, refill: Duration::from_secs(refill_seconds) }
    }
}

/// The counters.
pub(super) struct Limits {
    factor: f64,
    /// Servers that ask for many people; what they ask for is counted by account and target only.
    application_servers: Vec<IpNet>,
    counters: Counters,
    text_breaker: SmsCircuitBreaker,
    email_throttle: EmailThrottle,
}

impl Limits {
    pub(super) fn new(factor: f64, application_servers: Vec<IpNet>) -> Self {
        let factor = if factor.is_finite() && factor > 0.0 { factor } else { 1.0 };
        let (counters, text_breaker) = (Counters::default(), SmsCircuitBreaker::new(factor));
        Self {
            factor,
            application_servers,
            counters,
            text_breaker,
            email_throttle: EmailThrottle::new(factor),
        }
    }

    /// Takes one from the allowance of a subject, or tells how long to wait for the next.
    pub(super) fn take(
        &self,
        action: LimitedAction,
        subject: &str,
        now: Timestamp,
    ) -> Result<(), Duration> {
        self.take_all(action, &[Level::single(subject)], now)
    }

    /// Takes one from the allowance of the address that asks and of the networks around it, where
    /// there is one. An application that renders on its own server asks for many people from one
    /// address; the operator names it, or it shows an API key.
    ///
    /// # Errors
    /// `RateLimitExceeded` when one of them has none left. Then nothing is taken from the others.
    pub(super) fn take_from_caller(
        &self,
        action: LimitedAction,
        caller: &Caller,
        now: Timestamp,
    ) -> Outcome<()> {
        let levels = match (self.origin(caller), caller.unlisted) {
            (LimitOrigin::Address(address), _) => networks::levels(address),
            (LimitOrigin::Unknown, Some(proxy)) => networks::levels_behind(proxy),
            _ => return Ok(()),
        };
        self.take_all(action, &levels, now).map_err(exceeded)
    }

    /// Takes one from each level, or from none and tells the longest wait.
    fn take_all(
        &self,
        action: LimitedAction,
        levels: &[Level],
        now: Timestamp,
    ) -> Result<(), Duration> {
        let now = now.as_millisecond();
        self.counters.of(action, Some(now), |counters| {
            let mut states: Vec<CounterState> =
                levels.iter().map(|level| counters.load(&level.subject)).collect();
            let waits = states
                .iter_mut()
                .zip(levels)
                .map(|(state, level)| self.take_one(action, level, state, now));
            let longest = waits.filter_map(Result::err).max();
            if let Some(wait) = longest {
                return Err(wait);
            }
            for (state, level) in states.into_iter().zip(levels) {
                counters.store(&level.subject, state);
            }
            Ok(())
        })
    }

    fn take_one(
        &self,
        action: LimitedAction,
        level: &Level,
        state: &mut CounterState,
        now: i64,
    ) -> Result<(), Duration> {
        match action.allowance() {
            Allowance::Steady { burst, refill } => {
                let (step, span) = self.step_and_span(burst, refill, level.scale);
                take_steady(state, step, span, now)
            }
            Allowance::Backoff(backoff) => backoff.times(level.scale).take(state, self.factor, now),
        }
    }

    /// Gives one back to each level, that was taken for something that turned out well.
    fn give_all_back(&self, action: LimitedAction, levels: &[Level]) {
        self.counters.of(action, None, |counters| {
            for level in levels {
                let mut state = counters.load(&level.subject);
                match action.allowance() {
                    Allowance::Steady { burst, refill } => {
                        let (step, _) = self.step_and_span(burst, refill, level.scale);
                        state.idle_at = state.idle_at.saturating_sub(step);
                    }
                    Allowance::Backoff(backoff) => backoff.give_back(&mut state, self.factor),
                }
                counters.store(&level.subject, state);
            }
        });
    }

    /// Takes one from the emails of a kind to this mailbox. To be asked before any account is
    /// looked at: known and unknown mailboxes are answered alike (S05, S64).
    ///
    /// # Errors
    /// `SeveralEmails`; `EmailIsBusy` while the lane has no room.
    pub(super) fn take_email_to(
        &self,
        kind: &str,
        mailbox: &Email,
        lane: Lane,
        now: Timestamp,
    ) -> Outcome<()> {
        let room = self.email_throttle.room(lane, now.as_millisecond());
        room.map_err(|retry_after| Code::EmailIsBusy { retry_after })?;
        let subject = format!("{kind} {mailbox}");
        self.take(LimitedAction::EmailToMailbox, &subject, now)
            .map_err(|retry_after| Code::SeveralEmails { retry_after }.into())
    }

    /// How long to delay an email, so that all together keep their pace.
    pub(super) fn email_delay(&self, lane: Lane, now: Timestamp) -> Duration {
        self.email_throttle.delay(lane, now.as_millisecond())
    }

    /// Takes one from the texts to this number, of their kind and of all. To be asked before any
    /// account is looked at (S05, S65).
    ///
    /// # Errors
    /// `SeveralMessages`.
    pub(super) fn take_sms_to(&self, kind: &str, phone: &Phone, now: Timestamp) -> Outcome<()> {
        let several = |retry_after| Code::SeveralMessages { retry_after };
        let in_all = [Level::single(phone.as_str())];
        self.take_all(LimitedAction::SmsToNumberInAll, &in_all, now).map_err(several)?;
        let of_kind = self.take(LimitedAction::SmsToNumber, &format!("{kind} {phone}"), now);
        if of_kind.is_err() {
            self.give_all_back(LimitedAction::SmsToNumberInAll, &in_all);
        }
        Ok(of_kind.map_err(several)?)
    }

    /// Takes one from the texts to unproved numbers of a range: visitors who ask for texts to its
    /// neighbours must not keep the texts of an owner away (S65).
    ///
    /// # Errors
    /// `RateLimitExceeded`.
    pub(super) fn take_sms_to_range(&self, phone: &Phone, now: Timestamp) -> Outcome<()> {
        self.take(LimitedAction::SmsToRange, sms_shares::range_of(phone), now).map_err(exceeded)
    }

    /// Takes one from the texts to numbers that nobody has proved yet, of that number's country
    /// (S65). To be asked before any account is looked at, or in silence, and after the limits of
    /// the number: a text that they refuse is unanswered by nobody, and stops no country.
    ///
    /// # Errors
    /// `RateLimitExceeded` while too few of them are answered.
    pub(super) fn take_sms_to_new_number(&self, phone: &Phone, now: Timestamp) -> Outcome<()> {
        self.text_breaker.take(phone, now.as_millisecond()).map_err(exceeded)
    }

    /// Somebody typed a code that was sent to that number.
    pub(super) fn sms_was_answered(&self, phone: &Phone) {
        self.text_breaker.answered(phone);
    }

    /// Milliseconds between two, and those of a full allowance, of somebody who has so many of
    /// them.
    fn step_and_span(&self, burst: f64, refill: Duration, scale: f64) -> (i64, i64) {
        let times = self.factor * scale;
        let step = (refill.as_secs_f64() * 1000.0 / times).max(1.0);
        let span = step * (burst * times).max(1.0);
        (as_milliseconds(step), as_milliseconds(span))
    }
}

/// The refusal that says how long to wait.
pub(super) fn exceeded(retry_after: Duration) -> crate::port::OperationError {
    Code::RateLimitExceeded { retry_after }.into()
}

fn take_steady(count: &mut CounterState, step: i64, span: i64, now: i64) -> Result<(), Duration> {
    // A clock that was set back must not lock anybody out for longer than a full allowance takes.
    count.idle_at = count.idle_at.clamp(now, now.saturating_add(span));
    let next = count.idle_at.saturating_add(step);
    let wait = next.saturating_sub(now).saturating_sub(span);
    if wait > 0 {
        return Err(Duration::from_millis(wait.unsigned_abs()));
    }
    count.idle_at = next;
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float that does not fit becomes the nearest number that does"
)]
fn as_milliseconds(milliseconds: f64) -> i64 {
    milliseconds as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTION: LimitedAction = LimitedAction::SecondFactorToAccount;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn taken(limits: &Limits, now: Timestamp) -> usize {
        (0..1000).take_while(|_| limits.take(ACTION, "ann", now).is_ok()).count()
    }

    #[test]
    fn an_allowance_is_used_up_and_comes_back_bit_by_bit() {
        let limits = Limits::new(1.0, Vec::new());
        assert_eq!(taken(&limits, at(0)), 10);
        assert_eq!(limits.take(ACTION, "ann", at(0)), Err(Duration::from_secs(120)));
        assert_eq!(taken(&limits, at(119)), 0);
        assert_eq!(taken(&limits, at(240)), 2);
        assert_eq!(taken(&limits, at(100_000)), 10);
        assert!(limits.take(ACTION, "ben", at(0)).is_ok());
    }

    #[test]
    fn the_factor_multiplies_the_allowance_and_its_return() {
        let limits = Limits::new(3.0, Vec::new());
        assert_eq!(taken(&limits, at(0)), 30);
        assert_eq!(taken(&limits, at(120)), 3);
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let limits = Limits::new(1.0, Vec::new());
        for _ in 0..50 {
            limits.take(ACTION, "ann", at(0)).unwrap();
            limits.give_all_back(ACTION, &[Level::single("ann")]);
        }
        assert_eq!(taken(&limits, at(0)), 10);
    }

    /// R15
    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out_for_good() {
        let limits = Limits::new(1.0, Vec::new());
        taken(&limits, at(1_000_000));
        assert!(limits.take(ACTION, "ann", at(0)).unwrap_err() <= Duration::from_secs(120));
        assert_eq!(taken(&limits, at(1200)), 10);
    }

    /// R15
    #[test]
    fn a_clock_that_is_set_back_takes_nothing_from_an_allowance() {
        let limits = Limits::new(1.0, Vec::new());
        let guess = |now| limits.take(LimitedAction::SignInToAccount, "ann", now);
        limits.take(ACTION, "ann", at(1_000_000)).unwrap();
        guess(at(1_000_000)).unwrap();
        guess(at(1_000_000)).unwrap();
        assert_eq!(taken(&limits, at(0)), 9);
        for _ in 0..3 {
            guess(at(0)).unwrap();
        }
        assert!(guess(at(0)).is_err(), "and gives nothing for it");
    }

    fn caller(address: &str, is_operator: bool) -> Caller {
        Caller {
            channel: crate::port::Channel::Api,
            address: Some(address.parse().unwrap()),
            user_agent: String::new(),
            session: None,
            browser: None,
            devices: Vec::new(),
            redirect_url: None,
            unlisted: None,
            is_operator,
        }
    }

    fn taken_by(limits: &Limits, address: &str, is_operator: bool) -> usize {
        let take = || {
            limits.take_from_caller(
                LimitedAction::SignUpFromAddress,
                &caller(address, is_operator),
                at(0),
            )
        };
        (0..1000).take_while(|_| take().is_ok()).count()
    }

    #[test]
    fn two_addresses_of_one_customer_are_one_subject() {
        let limits = Limits::new(1.0, Vec::new());
        assert_eq!(taken_by(&limits, "2001:db8:1:2:3:4:5:6", false), 20);
        assert_eq!(taken_by(&limits, "2001:db8:1:2::1", false), 0);
        assert_eq!(taken_by(&limits, "192.0.2.1", false), 20);
        assert_eq!(taken_by(&limits, "::ffff:192.0.2.1", false), 0);
    }

    /// S107: today one /56 used up what everybody shares.
    #[test]
    fn a_network_has_an_end_however_many_addresses_ask() {
        let all = |address: fn(usize) -> String| {
            let limits = Limits::new(1.0, Vec::new());
            (0..256).map(|number| taken_by(&limits, &address(number), false)).sum::<usize>()
        };
        assert_eq!(all(|number| format!("2001:db8:0:{number:x}::1")), 40, "a /56");
        assert_eq!(all(|number| format!("2001:db8:0:{number:x}00::1")), 160, "a /48");
        assert_eq!(all(|number| format!("192.0.2.{number}")), 160, "a /24");
    }

    /// S107
    #[test]
    fn one_address_that_goes_on_asking_takes_nothing_from_its_neighbours() {
        let limits = Limits::new(1.0, Vec::new());
        for _ in 0..50 {
            taken_by(&limits, "192.0.2.1", false);
            let _refused = limits.take_from_caller(
                LimitedAction::SignUpFromAddress,
                &caller("192.0.2.1", false),
                at(0),
            );
        }
        assert_eq!(taken_by(&limits, "192.0.2.2", false), 20);
    }

    /// S109
    #[test]
    fn a_hundred_thousand_junk_keys_bring_no_allowance_back() {
        let limits = Limits::new(1.0, Vec::new());
        for _ in 0..10 {
            limits.take(ACTION, "ann", at(0)).unwrap();
        }
        for number in 0..105_000 {
            let _wait = limits.take(ACTION, &format!("junk-{number}"), at(0));
        }
        assert!(limits.take(ACTION, "ann", at(0)).is_err());
        assert_eq!(taken(&limits, at(1200)), 10, "until it is free again");
    }

    /// S109: those who used up theirs as ann did do not push her out.
    #[test]
    fn junk_keys_that_are_used_up_as_well_bring_no_allowance_back() {
        let limits = Limits::new(1.0, Vec::new());
        let guess = |subject: &str| limits.take(LimitedAction::SignInToAccount, subject, at(0));
        for _ in 0..5 {
            guess("ann").unwrap();
        }
        for number in 0..60_000 {
            for _ in 0..6 {
                let _wait = guess(&format!("junk-{number}"));
            }
        }
        assert!(guess("ann").is_err());
    }

    #[test]
    fn a_server_that_asks_for_many_people_is_not_limited_by_its_address() {
        let limits = Limits::new(1.0, vec!["10.1.0.0/16".parse().unwrap()]);
        assert_eq!(taken_by(&limits, "10.1.2.3", false), 1000);
        assert_eq!(taken_by(&limits, "::ffff:10.1.2.3", false), 1000);
        assert_eq!(taken_by(&limits, "192.0.2.1", true), 1000);
        assert_eq!(taken_by(&limits, "192.0.2.1", false), 20);
    }
}
