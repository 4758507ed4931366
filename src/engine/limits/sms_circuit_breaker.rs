//! The circuit breaker of texts to new numbers (S65).
//!
//! Whoever is paid for each text to numbers that they rented ("SMS pumping") signs up with one
//! after the other and types no code. People type most of theirs. So the last [`WATCHED`] texts to
//! numbers that nobody has proved yet are watched, for each country: while fewer than one in
//! [`ONE_IN`] of them was answered by its code, only one goes there every [`EVERY`]. People among
//! those who still get one type it, and by that the way is open again; a pump keeps it shut, at six
//! texts an hour.
//!
//! A number that its account has proved is not watched and never stopped: owners sign in, reset and
//! type their second factor as ever. What a sign-up is told depends on the country alone, so it
//! tells nothing of an account (S05).

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::as_milliseconds;
use crate::port::Phone;

/// Texts that are looked back on. A class room signs up at once, and types its codes a minute
/// later.
const WATCHED: f64 = 30.0;

/// At least one in ten is typed; where texts arrive it is one in two and more.
const ONE_IN: usize = 10;

/// Interval of SMS to a stopped country.
const EVERY: Duration = Duration::from_secs(600);

/// Watches what becomes of texts.
pub(super) struct SmsCircuitBreaker {
    factor: f64,
    hasher: RandomState,
    /// By country, as ISO 3166-1 names it; one for all numbers whose plan names none. So there are
    /// a few hundred at most.
    countries: Mutex<HashMap<String, CountryCounts>>,
}

#[derive(Default)]
struct CountryCounts {
    /// The oldest first.
    texts: VecDeque<Text>,
    /// When one more may go there while it is stopped, in epoch milliseconds.
    next_at: i64,
    is_told: bool,
}

struct Text {
    number: u64,
    is_proved: bool,
}

impl SmsCircuitBreaker {
    /// `factor` multiplies what is watched and divides the wait.
    pub(super) fn new(factor: f64) -> Self {
        Self { factor, hasher: RandomState::new(), countries: Mutex::default() }
    }

    /// Counts a text to a number that is not proved yet, or tells how long its country must wait
    /// for the next. The operator is told once, until it is well again.
    pub(super) fn take(&self, phone: &Phone, now: i64) -> Result<(), Duration> {
        let audited = usize::try_from(as_milliseconds(WATCHED * self.factor))
            .unwrap_or(usize::MAX)
            .max(ONE_IN);
        let every = as_milliseconds((EVERY.as_secs_f64() * 1000.0 / self.factor).max(1.0));
        let mut countries = self.countries.lock().unwrap_or_else(PoisonError::into_inner);
        let country = countries.entry(phone.country().unwrap_or_default().to_owned()).or_default();
        let proved = country.texts.iter().filter(|text| text.is_proved).count();
        let is_stopped = country.texts.len() >= audited && proved < audited / ONE_IN;
        if is_stopped && !country.is_told {
            let country = phone.country().unwrap_or("no country");
            tracing::warn!(
                country,
                "of the last {audited} texts to new numbers there {proved} were answered: one goes \
                 there every {} seconds \
                 until more are; a country that is not in sms.countries gets none",
                every / 1000
            );
        }
        country.is_told = is_stopped;
        // A clock that was set back must not stop a country for longer.
        let wait = country.next_at.min(now.saturating_add(every)).saturating_sub(now);
        if is_stopped && wait > 0 {
            return Err(Duration::from_millis(wait.unsigned_abs()));
        }
        country.next_at = now.saturating_add(every);
        country.texts.push_back(Text { number: self.hasher.hash_one(phone), is_proved: false });
        if country.texts.len() > audited {
            country.texts.pop_front();
        }
        Ok(())
    }

    /// Somebody typed a code that was sent to that number.
    pub(super) fn answered(&self, phone: &Phone) {
        let number = self.hasher.hash_one(phone);
        let mut countries = self.countries.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(country) = countries.get_mut(phone.country().unwrap_or_default()) else { return };
        country
            .texts
            .iter_mut()
            .filter(|text| text.number == number)
            .for_each(|text| text.is_proved = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn german(number: usize) -> Phone {
        Phone::parse(&format!("+491511{number:07}")).unwrap()
    }

    /// Asks for that many, one number after the other; answers those that may go.
    fn pumped(breaker: &SmsCircuitBreaker, numbers: std::ops::Range<usize>, now: i64) -> usize {
        numbers.filter(|number| breaker.take(&german(*number), now).is_ok()).count()
    }

    #[test]
    fn a_country_whose_texts_nobody_answers_is_stopped_and_no_other() {
        let breaker = SmsCircuitBreaker::new(1.0);
        assert_eq!(pumped(&breaker, 0..100, 0), 30);
        assert_eq!(breaker.take(&german(100), 60_000), Err(Duration::from_secs(540)));
        breaker.take(&Phone::parse("+33612345678").unwrap(), 0).unwrap();
    }

    #[test]
    fn a_stopped_country_gets_one_text_every_ten_minutes_and_all_once_people_answer() {
        let breaker = SmsCircuitBreaker::new(1.0);
        pumped(&breaker, 0..30, 0);
        for (hour, person) in (200..203).enumerate() {
            let now = i64::try_from(hour).unwrap() * 3_600_000 + 600_000;
            assert_eq!(pumped(&breaker, person..person + 5, now), 1);
            breaker.answered(&german(person));
        }
        assert_eq!(pumped(&breaker, 300..310, 9_000_000), 10);
    }

    #[test]
    fn people_who_answer_are_never_stopped() {
        let breaker = SmsCircuitBreaker::new(1.0);
        for number in 0..500 {
            breaker.take(&german(number), 0).unwrap();
            if number % 8 == 0 {
                breaker.answered(&german(number));
            }
        }
    }

    /// R15
    #[test]
    fn a_clock_that_is_set_back_stops_nobody_for_longer() {
        let breaker = SmsCircuitBreaker::new(1.0);
        pumped(&breaker, 0..30, 9_000_000);
        assert_eq!(breaker.take(&german(31), 0), Err(EVERY));
    }

    #[test]
    fn the_factor_multiplies_what_is_watched() {
        let breaker = SmsCircuitBreaker::new(2.0);
        assert_eq!(pumped(&breaker, 0..100, 0), 60);
        assert_eq!(breaker.take(&german(100), 0), Err(EVERY / 2));
    }
}
