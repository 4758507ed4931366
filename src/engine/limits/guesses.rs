//! Guesses at the secrets of an account: counted for who guesses, and for the account in all.
//!
//! # The contract
//!
//! * A visitor cannot keep the owner out (S12). The wait [grows](super::backoff) for one account
//!   *and* the network of the guesser: address, and the networks around it. Whoever is somewhere
//!   else does not wait for it.
//! * Nobody guesses without end from many networks: all guesses at an account share one more
//!   allowance, which is much larger and comes back steadily. It counts what is typed, whether or
//!   not there is an account (S06).
//! * When visitors have used that up, three ways stay open. A browser that signed in before has a
//!   count of its own, and so has a network that the account was used from; all of these together
//!   have allowances in all of their own. An emailed link gets in.
//! * What application servers ask has an allowance in all of its own: behind one address are many
//!   people, and those elsewhere must not keep them out.
//! * A server of an application does not say who asks through it. So a code that is asked for there
//!   has one asker, the server: somebody else who asks through it for a code of that number
//!   replaces the former one, and five wrong guesses there invalidate it. Codes that are asked for
//!   in a browser of ours, or elsewhere, live on, and an emailed link gets in.
//! * Codes have two in all: one of those who asked for the code, one of everybody else.
//! * A guess takes from all of its allowances or from none; a right one gives all of them back, and
//!   no other (S13).
//!
//! # What an attacker gets
//!
//! | who guesses at one account | at once | then | in a year |
//! |---|---|---|---|
//! | a password, from one network | 5 | growing to one an hour | 8,770 |
//! | a password, from all networks of visitors together | 100 | two an hour | 17,620 |
//! | the same, from networks that the account is used from | 100 | two an hour | 17,620 |
//! | the same, with device tokens stolen from the owner's browsers | 100 | two an hour | 17,620 |
//! | the same, through servers of applications | 100 | two an hour | 17,620 |
//! | a password, by all of these means at once | 400 | eight an hour | 70,480 |
//! | the current password, from stolen sessions of the account | 50 | one an hour | 8,810 |
//! | a code, from all networks together, without asking for it | 50 | one an hour | 8,810 |
//! | a code, asking for it, a message to the owner for each five | 50 | one an hour | 8,810 |
//!
//! NIST SP 800-63B-4 §3.2.2 allows a hundred consecutive wrong guesses and then wants the password
//! switched off. Here the first hundred are as many; after that two an hour are looked at, 48 a
//! day, and a right one of the owner does not begin a new hundred. Switching it off would hand
//! every account to whoever wants it locked. A password that
//! [`passwords`](crate::engine::passwords) lets pass takes more than a million guesses by its
//! reckoning, so a year of guessing from everywhere finds fewer than one in fifty of the weakest;
//! by all means at once, fewer than one in fourteen. Of 900,000 codes a year of guessing by all
//! means at one number, its phone ringing 1,760 times, finds one with a chance of one in fifty.

use std::net::IpAddr;

use jiff::Timestamp;

use super::{
    LimitedAction, Limits, exceeded,
    networks::{self, Level},
};
use crate::port::{Caller, Outcome};

/// Free guesses of the networks around an address, at most, in those of the address.
const AROUND: f64 = 4.0;

/// Secret that is guessed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Secret {
    /// The password of a sign-in.
    Password,
    /// The current password, typed to confirm a change.
    CurrentPassword,
    /// A code by SMS or email, of an authenticator app, or a recovery code.
    Code,
}

/// Where a request comes from, as limits see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum LimitOrigin {
    /// A server that asks for many people.
    ApplicationServer,
    Address(IpAddr),
    /// A Unix socket without a proxy header.
    Unknown,
}

/// Origin of guesses.
#[derive(Debug, Clone)]
pub(in crate::engine) enum Guesser {
    /// A browser that signed in to the account before, by its id.
    KnownBrowser(String),
    /// A session of the account, by its id.
    Session(String),
    /// The account is used from this network: guesses elsewhere do not make it wait.
    UsualNetwork(IpAddr),
    Visitor(LimitOrigin),
}

/// A guess, before it is looked at.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct NewGuess<'a> {
    pub(in crate::engine) secret: Secret,
    /// The address or number that was typed, or the id of an account.
    pub(in crate::engine) target: &'a str,
    pub(in crate::engine) guesser: &'a Guesser,
    /// Whether this is a guess at a code by whoever asked for it.
    pub(in crate::engine) is_asker: bool,
}

/// Allowances that a guess was taken from.
#[must_use = "a right guess is given back"]
#[derive(Debug)]
pub(in crate::engine) struct TakenGuess(Vec<(LimitedAction, Vec<Level>)>);

impl Limits {
    /// Takes a guess, before it is looked at.
    ///
    /// # Errors
    /// `RateLimitExceeded` when one of its allowances has none left. Then nothing is taken from the
    /// others.
    pub(in crate::engine) fn take_guess(
        &self,
        guess: &NewGuess<'_>,
        now: Timestamp,
    ) -> Outcome<TakenGuess> {
        self.take_each(guess.allowances(), now)
    }

    /// Takes one from each allowance.
    ///
    /// # Errors
    /// `RateLimitExceeded` when one of them has none left. Then nothing is taken from the others.
    pub(super) fn take_each(
        &self,
        allowances: Vec<(LimitedAction, Vec<Level>)>,
        now: Timestamp,
    ) -> Outcome<TakenGuess> {
        let mut taken = TakenGuess(Vec::new());
        for (action, levels) in allowances {
            if let Err(wait) = self.take_all(action, &levels, now) {
                self.give_guess_back(&taken);
                return Err(exceeded(wait));
            }
            taken.0.push((action, levels));
        }
        Ok(taken)
    }

    /// Gives a guess back that was right, or that nobody could look at.
    pub(in crate::engine) fn give_guess_back(&self, taken: &TakenGuess) {
        for (action, levels) in &taken.0 {
            self.give_all_back(*action, levels);
        }
    }

    /// Where a request comes from. The operator names the servers of applications, or they show an
    /// API key.
    pub(in crate::engine) fn origin(&self, caller: &Caller) -> LimitOrigin {
        let is_server = |address: IpAddr| {
            self.application_servers.iter().any(|servers| servers.contains(&address.to_canonical()))
        };
        match caller.address {
            _ if caller.is_operator => LimitOrigin::ApplicationServer,
            Some(address) if is_server(address) => LimitOrigin::ApplicationServer,
            Some(address) => LimitOrigin::Address(address),
            None => LimitOrigin::Unknown,
        }
    }
}

impl NewGuess<'_> {
    /// The allowances it takes from, with their subjects.
    fn allowances(&self) -> Vec<(LimitedAction, Vec<Level>)> {
        let (each, in_all) = self.secret.actions();
        let all_of = |kind: &str| (in_all, vec![Level::single(format!("{kind} {}", self.target))]);
        let others = if self.is_asker { "asker" } else { "other" };
        match self.guesser {
            Guesser::KnownBrowser(id) => {
                vec![(each, vec![Level::single(format!("browser {id}"))]), all_of("browsers")]
            }
            Guesser::Session(id) => {
                vec![(each, vec![Level::single(format!("session {id}"))]), all_of("sessions")]
            }
            Guesser::UsualNetwork(address) => {
                vec![(each, self.networks(*address)), all_of("usual")]
            }
            Guesser::Visitor(LimitOrigin::Address(address)) => {
                vec![(each, self.networks(*address)), all_of(others)]
            }
            Guesser::Visitor(LimitOrigin::ApplicationServer) => {
                vec![all_of(&format!("server's {others}"))]
            }
            Guesser::Visitor(LimitOrigin::Unknown) => {
                vec![
                    (each, vec![Level::single(format!("unknown {}", self.target))]),
                    all_of(others),
                ]
            }
        }
    }

    fn networks(&self, address: IpAddr) -> Vec<Level> {
        let of_account = |level: Level| Level {
            subject: format!("{} {}", level.subject, self.target),
            scale: level.scale.min(AROUND),
        };
        networks::levels(address).into_iter().map(of_account).collect()
    }
}

impl Secret {
    /// The allowance of each guesser, and that of the account in all.
    fn actions(self) -> (LimitedAction, LimitedAction) {
        match self {
            Self::Password => (LimitedAction::SignInToAccount, LimitedAction::SignInToAccountInAll),
            Self::CurrentPassword => {
                (LimitedAction::ConfirmPassword, LimitedAction::ConfirmPasswordInAll)
            }
            Self::Code => (LimitedAction::GuessCode, LimitedAction::GuessCodeInAll),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn from(address: &str) -> Guesser {
        Guesser::Visitor(LimitOrigin::Address(address.parse().unwrap()))
    }

    fn guess(limits: &Limits, secret: Secret, guesser: &Guesser, now: i64) -> Outcome<TakenGuess> {
        let guess = NewGuess { secret, target: "ann@example.com", guesser, is_asker: false };
        limits.take_guess(&guess, at(now))
    }

    /// Guesses whenever it may, as one of that many networks.
    fn guesses_of(networks: u16, secret: Secret, until: i64) -> usize {
        let limits = Limits::new(1.0, Vec::new());
        let guessers: Vec<Guesser> =
            (0..networks).map(|number| from(&format!("2001:db8:{number:x}::1"))).collect();
        let (mut now, mut taken) = (0, 0);
        while now < until {
            for guesser in &guessers {
                taken +=
                    (0..200).take_while(|_| guess(&limits, secret, guesser, now).is_ok()).count();
            }
            now += 30;
        }
        taken
    }

    fn wrong_until_put_off(limits: &Limits, guesser: &Guesser) -> usize {
        (0..1000).take_while(|_| guess(limits, Secret::Password, guesser, 0).is_ok()).count()
    }

    /// S12: point 9 of the attack.
    #[test]
    fn guesses_from_one_network_make_nobody_wait_elsewhere() {
        let limits = Limits::new(1.0, Vec::new());
        for eve in ["192.0.2.1", "2001:db8::1"] {
            assert_eq!(wrong_until_put_off(&limits, &from(eve)), 5, "{eve}");
        }
        assert_eq!(wrong_until_put_off(&limits, &from("198.51.100.1")), 5);
    }

    /// S12, S107
    #[test]
    fn a_network_of_many_addresses_gets_a_few_times_the_guesses_of_one() {
        let all = |network: fn(usize) -> String| {
            let limits = Limits::new(1.0, Vec::new());
            (0..200)
                .map(|number| wrong_until_put_off(&limits, &from(&network(number))))
                .sum::<usize>()
        };
        assert_eq!(all(|number| format!("192.0.2.{number}")), 20, "a /24");
        assert_eq!(all(|number| format!("2001:db8:0:{number:x}::1")), 10, "a /56");
        assert_eq!(all(|number| format!("2001:db8:0:{number:x}00::1")), 20, "a /48");
    }

    /// S12: the number a year that the head of this file states.
    #[test]
    fn guesses_by_all_means_at_once_are_four_hundred_and_then_eight_an_hour() {
        let days = 20;
        let limits = Limits::new(1.0, Vec::new());
        let addresses = (0..25u16).map(|number| format!("2001:db8:{number:x}::1").parse().unwrap());
        let mut guessers: Vec<Guesser> =
            (0..25).map(|number| Guesser::KnownBrowser(number.to_string())).collect();
        guessers.push(Guesser::Visitor(LimitOrigin::ApplicationServer));
        for address in addresses {
            guessers.extend([
                Guesser::Visitor(LimitOrigin::Address(address)),
                Guesser::UsualNetwork(address),
            ]);
        }
        let mut taken = 0;
        for now in (0..days * 24 * HOUR).step_by(900) {
            for guesser in &guessers {
                taken += (0..200)
                    .take_while(|_| guess(&limits, Secret::Password, guesser, now).is_ok())
                    .count();
            }
        }
        let most = usize::try_from(400 + 8 * 24 * days).unwrap();
        assert!((most - 40..=most).contains(&taken), "{taken}");
    }

    /// S12: many networks together.
    #[test]
    fn all_networks_together_get_a_hundred_guesses_and_then_two_an_hour() {
        assert_eq!(guesses_of(50, Secret::Password, 1), 100);
        assert_eq!(guesses_of(50, Secret::Password, 24 * HOUR), 147);
        assert_eq!(guesses_of(20, Secret::Code, 24 * HOUR), 73);
    }

    /// S12
    #[test]
    fn one_network_that_guesses_for_a_month_never_uses_up_what_all_have() {
        let limits = Limits::new(1.0, Vec::new());
        let (eve, ann) = (from("192.0.2.1"), from("198.51.100.1"));
        for now in (0..30 * 24 * HOUR).step_by(30) {
            let _outcome = guess(&limits, Secret::Password, &eve, now);
        }
        assert!(guess(&limits, Secret::Password, &ann, 30 * 24 * HOUR).is_ok());
    }

    /// S12: who is known waits for themselves alone, whatever visitors use up.
    #[test]
    fn known_browsers_and_usual_networks_are_not_kept_out_by_visitors() {
        let limits = Limits::new(1.0, Vec::new());
        for number in 0..50 {
            wrong_until_put_off(&limits, &from(&format!("2001:db8:{number:x}::1")));
        }
        assert!(guess(&limits, Secret::Password, &from("198.51.100.1"), 0).is_err());
        let home = Guesser::UsualNetwork("198.51.100.1".parse().unwrap());
        for known in [Guesser::KnownBrowser("a".to_owned()), home] {
            assert_eq!(wrong_until_put_off(&limits, &known), 5, "{known:?}");
        }
        let server = Guesser::Visitor(LimitOrigin::ApplicationServer);
        assert_eq!(wrong_until_put_off(&limits, &server), 100);
    }

    /// S13
    #[test]
    fn a_guess_that_is_refused_in_one_place_takes_nothing_in_another() {
        let limits = Limits::new(1.0, Vec::new());
        let eve = from("192.0.2.1");
        for _ in 0..500 {
            let _outcome = guess(&limits, Secret::Password, &eve, 0);
        }
        let others = (2..200)
            .map(|number| wrong_until_put_off(&limits, &from(&format!("198.51.{number}.1"))));
        assert_eq!(others.sum::<usize>(), 95);
        assert!(guess(&limits, Secret::Code, &eve, 0).is_ok(), "codes are counted apart");
    }

    /// S13
    #[test]
    fn right_guesses_give_back_their_own_and_no_other() {
        let limits = Limits::new(1.0, Vec::new());
        let ann = from("192.0.2.1");
        for _ in 0..300 {
            let taken = guess(&limits, Secret::Password, &ann, 0).unwrap();
            limits.give_guess_back(&taken);
        }
        assert_eq!(wrong_until_put_off(&limits, &ann), 5);
    }
}
