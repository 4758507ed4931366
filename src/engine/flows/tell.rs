//! Telling owners what was done to their accounts, whoever did it (SECURITY.md S21).
//!
//! One function for every change to how an account is got into: it goes by mail to the stored address, with a link that says "that
//! was not me", and by SMS where the account has no mailbox. What is told is queued in the transaction of the change (R03), and
//! no limit withholds it.

use crate::{
    engine::{
        Engine,
        accounts::Account,
        outbox::{Letter, Notice, Security},
        store::Transaction,
        tokens::{NewLink, Purpose},
        user_agent,
    },
    port::{Caller, Email, Outcome, Phone},
};

/// What a link that says "that was not me" takes back, besides what each of them does. How it stands in the database is written
/// here and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) enum Undo {
    /// Codes by SMS; before them nothing was asked for.
    SecondFactor,
    /// Codes by SMS, beside an app that was there before.
    SecondFactorBesideApp,
    /// Codes of an app; before it nothing was asked for.
    Authenticator,
    /// Codes of an app, beside codes by SMS that were there before.
    AuthenticatorBesideText,
    /// Codes of an app that took the place of another one.
    OtherAuthenticator,
    /// All of them: a stranger has made or used some.
    RecoveryCodes,
    /// The number: back to the one that the account had and had proved, or to none.
    Phone { former: Option<Phone> },
}

impl Engine {
    /// Tells the owner. `account` is the account as it was before the change, so that the mail goes where it went until then.
    ///
    /// A new address is told with [`tell_mailbox`](Self::tell_mailbox), as the account had another before.
    pub(in crate::engine) async fn tell_owner(
        &self,
        tx: &mut Transaction<'_>,
        caller: &Caller,
        account: &Account,
        news: Security,
    ) -> Outcome<()> {
        if let Some(mailbox) = account.mailbox().filter(|_| account.holds_email) {
            let not_me = self.not_me_link(tx, caller, account, &mailbox, &news).await?;
            return self.tell_mailbox(tx, caller, account, news, &mailbox, Some(not_me)).await;
        }
        match (account.number(), news.text()) {
            (Some(number), Some(message)) => Ok(self.text(tx, &message, &number, None).await?),
            _ => Ok(()),
        }
    }

    /// Tells whoever reads a mailbox, with a link or without.
    pub(in crate::engine) async fn tell_mailbox(
        &self,
        tx: &mut Transaction<'_>,
        caller: &Caller,
        account: &Account,
        news: Security,
        mailbox: &Email,
        not_me: Option<String>,
    ) -> Outcome<()> {
        let notice = Notice { name: account.user.name.clone(), not_me, asked_by: asked_by(caller) };
        Ok(self.write(tx, &Letter::Told(news, notice), mailbox).await?)
    }

    async fn not_me_link(
        &self,
        tx: &mut Transaction<'_>,
        caller: &Caller,
        account: &Account,
        mailbox: &Email,
        news: &Security,
    ) -> Outcome<String> {
        let undo = Undo::of(account, news).map(|undo| undo.word());
        let link = NewLink {
            purpose: Purpose::NotMe,
            user_id: &account.user.id,
            email: mailbox,
            caller,
            keeps_password: true,
            undo: undo.as_deref(),
        };
        let key = self.links().create(tx, &link, self.random(), self.now()).await?.key;
        let page = if matches!(news, Security::EmailChanged { .. }) { "profile/email/undo" } else { "not-me" };
        Ok(format!("{}/{page}?key={key}", self.settings().public_url))
    }
}

impl Undo {
    fn of(account: &Account, news: &Security) -> Option<Self> {
        match news {
            Security::SecondFactorOn if account.authenticator => Some(Self::SecondFactorBesideApp),
            Security::SecondFactorOn => Some(Self::SecondFactor),
            Security::AuthenticatorOn if account.authenticator => Some(Self::OtherAuthenticator),
            Security::AuthenticatorOn if account.user.two_factor => Some(Self::AuthenticatorBesideText),
            Security::AuthenticatorOn => Some(Self::Authenticator),
            Security::RecoveryCodesNew | Security::RecoveryCodeUsed { .. } => Some(Self::RecoveryCodes),
            Security::PhoneChanged { .. } => {
                Some(Self::Phone { former: account.number().filter(|_| account.user.phone_verified) })
            }
            _ => None,
        }
    }

    fn word(&self) -> String {
        match self {
            Self::SecondFactor => "second-factor".to_owned(),
            Self::SecondFactorBesideApp => "second-factor-beside-app".to_owned(),
            Self::Authenticator => "authenticator".to_owned(),
            Self::AuthenticatorBesideText => "authenticator-beside-text".to_owned(),
            Self::OtherAuthenticator => "other-authenticator".to_owned(),
            Self::RecoveryCodes => "recovery-codes".to_owned(),
            Self::Phone { former } => format!("phone:{}", former.as_ref().map_or("", Phone::as_str)),
        }
    }

    /// Reads the word of the database; nothing for one that a later release wrote.
    pub(in crate::engine) fn read(word: &str) -> Option<Self> {
        match (word, word.strip_prefix("phone:")) {
            ("second-factor", _) => Some(Self::SecondFactor),
            ("second-factor-beside-app", _) => Some(Self::SecondFactorBesideApp),
            ("authenticator", _) => Some(Self::Authenticator),
            ("authenticator-beside-text", _) => Some(Self::AuthenticatorBesideText),
            ("other-authenticator", _) => Some(Self::OtherAuthenticator),
            ("recovery-codes", _) => Some(Self::RecoveryCodes),
            (_, Some(former)) => Some(Self::Phone { former: Phone::parse(former).ok() }),
            _ => None,
        }
    }
}

/// Who asked, as "Firefox on Linux, 203.0.113.7": families that we know and an address, no word of the header itself (S63).
/// `None` where nothing is known.
pub(in crate::engine) fn asked_by(caller: &Caller) -> Option<String> {
    let agent = user_agent::parse(&caller.user_agent);
    let known = |family: String| (family != "Other").then_some(family);
    let browser = match (known(agent.browser.family), known(agent.system.family)) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        (browser, system) => browser.or(system),
    };
    let parts: Vec<String> =
        browser.into_iter().chain(caller.address.map(|address| address.to_canonical().to_string())).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Door;

    fn caller(user_agent: &str, address: Option<&str>) -> Caller {
        Caller {
            door: Door::Pages,
            address: address.map(|address| address.parse().unwrap()),
            user_agent: user_agent.to_owned(),
            session: None,
            browser: None,
            devices: Vec::new(),
            redirect_url: None,
            is_operator: false,
        }
    }

    /// S63
    #[test]
    fn who_asked_is_said_in_words_of_ours() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 visit evil.example";
        let of = |agent, address| asked_by(&caller(agent, address));
        assert_eq!(of(firefox, Some("::ffff:203.0.113.7")).as_deref(), Some("Firefox on Linux, 203.0.113.7"));
        assert_eq!(of("visit https://evil.example", Some("203.0.113.7")).as_deref(), Some("203.0.113.7"));
        assert_eq!(of("", None), None);
    }

    #[test]
    fn what_is_taken_back_is_read_as_it_was_written() {
        let former = Phone::parse("+4915112345678").ok();
        for undo in [
            Undo::SecondFactor,
            Undo::SecondFactorBesideApp,
            Undo::Authenticator,
            Undo::AuthenticatorBesideText,
            Undo::OtherAuthenticator,
            Undo::RecoveryCodes,
            Undo::Phone { former: None },
            Undo::Phone { former: former.clone() },
        ] {
            assert_eq!(Undo::read(&undo.word()), Some(undo));
        }
        assert_eq!(Undo::read("what comes later"), None);
    }
}
