//! Fair shares of the day's SMS budget (S65, S106).
//!
//! # The contract
//!
//! * Nobody spends the budget of all by asking for codes of an own account, with however many
//!   browsers, sessions or numbers: texts of the second factor are counted for the account and for
//!   the number, in all, and for the range of the number.
//! * Browsers that signed in to the account before are counted apart, in the range too: whoever
//!   knows the password, or has numbers beside the owner's, uses up no code of theirs (S12).
//! * In the reserve of the day, which is kept for the codes of owners, each account, number and
//!   range has a small share of it a day. So it reaches many owners.
//! * All texts are taken before it is known whether the number has an account, or after its owner
//!   proved a first factor: no answer tells of an account (S05).

use jiff::Timestamp;

use super::{LimitedAction, Limits, networks::Level};
use crate::port::{Outcome, Phone};

/// Part of the day's budget that one range of numbers gets for second factors.
const OF_RANGE: f64 = 0.25;

/// Part of the day's budget that one account or number gets of the reserve: a twentieth of its
/// three tenths.
const RESERVE_OF_ONE: f64 = 0.015;

/// Part of the day's budget that one range of numbers gets of the reserve: a fifth of its three
/// tenths.
const RESERVE_OF_RANGE: f64 = 0.06;

/// State of the SMS budget of today.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct SmsDay {
    /// SMS a day.
    pub(in crate::engine) budget: u32,
    /// Whether only the reserve is left.
    pub(in crate::engine) is_in_reserve: bool,
}

/// A code by SMS that somebody asks for after a first factor, or in a session.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct FactorText<'a> {
    pub(in crate::engine) user_id: &'a str,
    pub(in crate::engine) phone: &'a Phone,
    /// Id of the browser, where it signed in to the account before.
    pub(in crate::engine) known_browser: Option<&'a str>,
    pub(in crate::engine) day: SmsDay,
}

impl Limits {
    /// Takes one text of the second factor.
    ///
    /// # Errors
    /// `RateLimitExceeded`. Then nothing is taken.
    pub(in crate::engine) fn take_factor_text(
        &self,
        text: &FactorText<'_>,
        now: Timestamp,
    ) -> Outcome<()> {
        self.take_each(text.allowances(), now).map(drop)
    }

    /// Takes one code that visitors can ask for, of what a number gets of the reserve. To be asked
    /// before any account is looked at.
    ///
    /// # Errors
    /// `RateLimitExceeded`.
    pub(in crate::engine) fn take_reserve_for(
        &self,
        phone: &Phone,
        day: SmsDay,
        now: Timestamp,
    ) -> Outcome<()> {
        if !day.is_in_reserve {
            return Ok(());
        }
        let number = day.share(RESERVE_OF_ONE, 1.0, format!("way in {phone}"));
        self.take_each(vec![(LimitedAction::TextFromReserve, vec![number])], now).map(drop)
    }
}

impl FactorText<'_> {
    fn allowances(&self) -> Vec<(LimitedAction, Vec<Level>)> {
        let Self { user_id, phone, known_browser, day } = *self;
        let who = if known_browser.is_some() { "known" } else { "strange" };
        let range = range_of(phone);
        let in_all =
            [user_id, phone.as_str()].map(|subject| Level::single(format!("{who} {subject}")));
        let mut allowances = vec![
            (
                LimitedAction::SecondFactorToAccount,
                vec![Level::single(known_browser.unwrap_or(user_id))],
            ),
            (LimitedAction::SecondFactorInAll, in_all.to_vec()),
            (
                LimitedAction::SecondFactorToRange,
                vec![day.share(OF_RANGE, 10.0, format!("{who} {range}"))],
            ),
        ];
        if day.is_in_reserve {
            let one = |subject: &str| day.share(RESERVE_OF_ONE, 1.0, format!("{who} {subject}"));
            let all = day.share(RESERVE_OF_RANGE, 2.0, format!("{who} range {range}"));
            allowances.push((
                LimitedAction::TextFromReserve,
                vec![one(user_id), one(phone.as_str()), all],
            ));
        }
        allowances
    }
}

impl SmsDay {
    /// A part of the budget, and no less than `least`, as a level of an action that allows one a
    /// day.
    fn share(self, part: f64, least: f64, subject: String) -> Level {
        Level { subject, scale: (f64::from(self.budget) * part).max(least) }
    }
}

/// The ten thousand numbers that differ in their last four digits.
pub(super) fn range_of(phone: &Phone) -> &str {
    let number = phone.as_str();
    number.get(..number.len().saturating_sub(4)).unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn number(last: usize) -> Phone {
        Phone::parse(&format!("+491511234{last:04}")).unwrap()
    }

    /// Asks for one text every minute of a day, for each number by turns; answers how many are
    /// taken.
    fn taken_in_a_day(
        of: impl Fn(usize) -> (String, Phone, Option<String>),
        is_in_reserve: bool,
    ) -> usize {
        let limits = Limits::new(1.0, Vec::new());
        let day = SmsDay { budget: 500, is_in_reserve };
        let asked = (0..DAY).step_by(60).enumerate().filter(|(turn, second)| {
            let (user_id, phone, browser) = of(*turn);
            let text = FactorText {
                user_id: &user_id,
                phone: &phone,
                known_browser: browser.as_deref(),
                day,
            };
            limits.take_factor_text(&text, at(*second)).is_ok()
        });
        asked.count()
    }

    /// S65
    #[test]
    fn an_account_with_many_browsers_gets_a_fifth_of_the_budget_at_most() {
        let browser =
            |turn: usize| (!turn.is_multiple_of(21)).then(|| format!("browser-{}", turn % 21));
        let taken = taken_in_a_day(|turn| ("eve".to_owned(), number(1), browser(turn)), false);
        assert!((40..=100).contains(&taken), "{taken}");
        let taken = taken_in_a_day(|turn| ("eve".to_owned(), number(1), browser(turn)), true);
        assert!((10..=30).contains(&taken), "of the reserve: {taken}");
    }

    /// S65
    #[test]
    fn a_number_that_goes_from_account_to_account_gets_no_more() {
        let taken = taken_in_a_day(|turn| (format!("eve-{turn}"), number(1), None), false);
        assert!((20..=50).contains(&taken), "{taken}");
    }

    /// S65
    #[test]
    fn a_range_with_many_accounts_gets_a_part_of_the_budget() {
        let of = |turn: usize| (format!("eve-{}", turn % 100), number(turn % 100), None);
        let taken = taken_in_a_day(of, false);
        assert!((125..=250).contains(&taken), "{taken}");
        let taken = taken_in_a_day(of, true);
        assert!((30..=60).contains(&taken), "of the reserve: {taken}");
    }

    /// S12: whoever knows the password takes no code from a browser of the owner.
    #[test]
    fn visitors_with_the_password_take_nothing_from_a_known_browser() {
        let limits = Limits::new(1.0, Vec::new());
        let phone = number(1);
        for is_in_reserve in [false, true] {
            let day = SmsDay { budget: 500, is_in_reserve };
            let text =
                |known_browser| FactorText { user_id: "ann", phone: &phone, known_browser, day };
            while limits.take_factor_text(&text(None), at(0)).is_ok() {}
            limits.take_factor_text(&text(Some("firefox")), at(0)).unwrap();
        }
    }

    /// S12: nor do new accounts with numbers beside the owner's.
    #[test]
    fn visitors_with_numbers_in_the_range_take_nothing_from_a_known_browser() {
        let limits = Limits::new(1.0, Vec::new());
        for is_in_reserve in [false, true] {
            let day = SmsDay { budget: 500, is_in_reserve };
            for last in 2..200 {
                let (user_id, phone) = (format!("eve-{last}"), number(last));
                let text =
                    FactorText { user_id: &user_id, phone: &phone, known_browser: None, day };
                while limits.take_factor_text(&text, at(0)).is_ok() {}
            }
            let phone = number(1);
            let known_browser = Some("firefox");
            let text = FactorText { user_id: "ann", phone: &phone, known_browser, day };
            limits.take_factor_text(&text, at(0)).unwrap();
        }
    }

    /// S65: sign-in codes, reset codes and changes of number together.
    #[test]
    fn a_number_gets_a_small_part_of_the_budget_for_all_kinds_of_codes() {
        let limits = Limits::new(1.0, Vec::new());
        let phone = number(1);
        let asked = (0..DAY).step_by(60).flat_map(|second| {
            ["sign-in", "reset-pwd", "set-phone", "sign-up"].map(|kind| (kind, second))
        });
        let taken =
            asked.filter(|(kind, second)| limits.take_sms_to(kind, &phone, at(*second)).is_ok());
        let taken = taken.count();
        assert!((60..=70).contains(&taken), "{taken}");
    }

    /// S05: the reserve of a number depends on the number alone.
    #[test]
    fn a_number_gets_a_part_of_the_reserve_for_what_visitors_ask() {
        let limits = Limits::new(1.0, Vec::new());
        let taken = |is_in_reserve, last| {
            let day = SmsDay { budget: 500, is_in_reserve };
            (0..100)
                .take_while(|_| limits.take_reserve_for(&number(last), day, at(0)).is_ok())
                .count()
        };
        assert_eq!((taken(false, 1), taken(true, 1), taken(true, 2)), (100, 7, 7));
    }
}
