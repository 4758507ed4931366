//! Signing in with a password: to an address, or to a number.

use super::complete_first_factor::{FirstFactor, complete_first_factor};
use crate::{
    engine::{
        Engine,
        limits::{LimitedAction, NewGuess, Secret, TakenGuess},
        store::values,
        users::accounts::{self, Account},
    },
    port::{
        Caller, Code, Email, Field, OperationError, Outcome, Password, Problem, Refusal,
        SignInOutcome,
    },
};

/// Compares a password and admits the account of that address.
///
/// An unknown address, a wrong password, an account without one and an over-long password cost one
/// hash each and are refused alike (S01, S02). Wrong guesses are counted for the typed address,
/// whether or not it has an account (S06).
pub(in crate::engine) async fn sign_in_with_email(
    engine: &Engine,
    caller: &Caller,
    email: &str,
    password: &Password,
) -> Outcome<SignInOutcome> {
    let email = validate(Email::parse(email), Field::Email, password)?;
    let attempt =
        PasswordAttempt { target: email.as_str(), wrong: Code::InvalidSignInCredentials, password };
    let account = accounts::by_email(engine.store(), &email).await?.into_iter().next();
    let taken = attempt.count(engine, caller, account.as_ref()).await?;
    let right = attempt.compare(engine, &taken, account).await?;
    if !right.account.is_usable(engine.settings().confirm_email) {
        return Err(Code::EmailNotVerified.into());
    }
    attempt.succeed(engine, caller, right).await
}

/// As [`sign_in_with_email`], with a number.
pub(in crate::engine) async fn sign_in_with_phone(
    engine: &Engine,
    caller: &Caller,
    phone: &str,
    password: &Password,
) -> Outcome<SignInOutcome> {
    let phone = validate(engine.parse_phone(caller, phone).await?, Field::Phone, password)?;
    let attempt =
        PasswordAttempt { target: phone.as_str(), wrong: Code::InvalidPhoneCredentials, password };
    let account = accounts::by_phone(engine.store(), &phone).await?.into_iter().next();
    let taken = attempt.count(engine, caller, account.as_ref()).await?;
    let right = attempt.compare(engine, &taken, account).await?;
    if !right.account.is_usable_by_phone(engine.settings().confirm_phone) {
        return Err(Code::PhoneNotVerified.into());
    }
    attempt.succeed(engine, caller, right).await
}

/// Nothing typed, or nothing that could be an account's: told before any account is looked at.
fn validate<T>(target: Result<T, Code>, field: Field, password: &Password) -> Result<T, Refusal> {
    let missing = password.expose().is_empty().then_some((Field::Password, Code::MissingPassword));
    let problems = target.as_ref().err().map(|code| (field, *code)).into_iter().chain(missing);
    Refusal::of_all(problems.map(|(field, code)| Problem { code, field: Some(field) }).collect())?;
    target.map_err(|code| Refusal::at(field, code))
}

/// A password that is tried.
struct PasswordAttempt<'a> {
    /// The address or the number that was typed.
    target: &'a str,
    /// Code for a wrong guess.
    wrong: Code,
    password: &'a Password,
}

/// An account whose password was right.
struct CorrectPassword {
    account: Account,
    /// The password under today's cost settings, where it was hashed under others.
    new_hash: Option<String>,
}

impl PasswordAttempt<'_> {
    /// Takes a guess: of the guesser, and of all that are made at the address or number that was
    /// typed, whether or not it has an account (S06, S12).
    async fn count(
        &self,
        engine: &Engine,
        caller: &Caller,
        account: Option<&Account>,
    ) -> Outcome<TakenGuess> {
        let now = engine.now();
        engine.limits().take_from_caller(LimitedAction::SignInFromAddress, caller, now)?;
        let guesser =
            engine.guesser(caller, account.map_or("", |account| &account.user.id)).await?;
        let (target, guesser) = (self.target, &guesser);
        engine.limits().take_guess(
            &NewGuess { secret: Secret::Password, target, guesser, is_asker: false },
            now,
        )
    }

    /// Compares the password; a right one gives its guess back, and so does one that nobody could
    /// look at.
    async fn compare(
        &self,
        engine: &Engine,
        taken: &TakenGuess,
        account: Option<Account>,
    ) -> Outcome<CorrectPassword> {
        let right = self.check_password(engine, account).await;
        if !matches!(right, Err(OperationError::Rejected(_))) {
            engine.limits().give_guess_back(taken);
        }
        right
    }

    async fn check_password(
        &self,
        engine: &Engine,
        account: Option<Account>,
    ) -> Outcome<CorrectPassword> {
        let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
        let verdict = engine.hasher().verify(self.password, stored).await?;
        let account = account.filter(|_| verdict.right).ok_or(self.wrong)?;
        let is_usable = account.is_usable(engine.settings().confirm_email)
            || account.is_usable_by_phone(engine.settings().confirm_phone);
        let new_hash = if verdict.outdated && is_usable {
            Some(engine.hasher().hash(self.password, engine.random()).await?)
        } else {
            None
        };
        Ok(CorrectPassword { account, new_hash })
    }

    /// Admits, unless the password was changed since it was compared: then it is wrong.
    async fn succeed(
        &self,
        engine: &Engine,
        caller: &Caller,
        right: CorrectPassword,
    ) -> Outcome<SignInOutcome> {
        let (user_id, mut right) = (right.account.user.id.clone(), right);
        for _ in 0..2 {
            let _change = engine.sessions().change(&user_id);
            let mut tx = engine.store().begin().await?;
            let sql = "update users set password_hash = $2 where id = $1 and password_hash = $3";
            let former = right.account.password_hash;
            let next_hash = right.new_hash.or_else(|| former.clone());
            if tx.execute(sql, values![&user_id, next_hash, former]).await? == 1 {
                return complete_first_factor(engine, caller, tx, &user_id, FirstFactor::Password)
                    .await;
            }
            drop(tx);
            // Perhaps another sign-in at the same moment hashed the same password anew.
            right = self
                .check_password(engine, accounts::by_id(engine.store(), &user_id).await?)
                .await?;
        }
        Err(self.wrong.into())
    }
}
