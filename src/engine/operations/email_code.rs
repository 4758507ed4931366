//! Typing the code of an email where the email was asked for.

use crate::{
    engine::{
        Engine,
        limits::{LimitedAction, NewGuess, Secret},
        links::{CodeGuess, Guessed, Link, Purpose},
        users::accounts,
    },
    port::{AccessToken, Caller, Code, Email, EmailedFor, Field, OneTimeCode, Outcome, Refusal},
};

/// Takes a guess, and mints an access token of the link that the right code stands beside: from
/// here on it is as if the link had been opened in this browser. Spends nothing.
pub(in crate::engine) async fn open_email_code(
    engine: &Engine,
    caller: &Caller,
    emailed_for: EmailedFor,
    email: &str,
    code: &str,
) -> Outcome<AccessToken> {
    let purposes = match emailed_for {
        // An account that waits for its proof gets the link of the proof, which signs in as well.
        EmailedFor::SignIn => [Purpose::MagicLink, Purpose::EmailConfirm],
        EmailedFor::ResetPassword => [Purpose::ResetPassword; 2],
    };
    let link = guess(engine, caller, purposes, email, code).await?;
    Ok(AccessToken::parse(&engine.links().mint(&link, engine.random(), engine.now()))?)
}

/// The link whose code was typed. A guess is counted for the address whether or not anything was
/// emailed there, and a wrong one takes the same time for every reason (S05, S06, S17).
///
/// # Errors
/// `MissingOneTimeCode`, `InvalidOneTimeCode`, `RateLimitExceeded`.
pub(super) async fn guess(
    engine: &Engine,
    caller: &Caller,
    purposes: [Purpose; 2],
    email: &str,
    code: &str,
) -> Outcome<Link> {
    let code = OneTimeCode::parse(code).map_err(|code| Refusal::at(Field::OneTimeCode, code))?;
    let invalid = || Refusal::at(Field::OneTimeCode, Code::InvalidOneTimeCode);
    let email = Email::parse(email).map_err(|_| invalid())?;
    let browser = caller.browser.as_ref().ok_or_else(invalid)?;
    let now = engine.now();
    engine.limits().take_from_caller(LimitedAction::SignInFromAddress, caller, now)?;
    let guess = CodeGuess { browser, purposes, email: &email, code: &code };
    let is_asker = engine.links().has_code(engine.store(), &guess, now).await?;
    let account = accounts::by_email(engine.store(), &email).await?.into_iter().next();
    let guesser =
        &engine.guesser(caller, account.as_ref().map_or("", |account| &account.user.id)).await?;
    let taken = NewGuess { secret: Secret::Code, target: email.as_str(), guesser, is_asker };
    let taken = engine.limits().take_guess(&taken, now)?;
    match engine.links().guess_code(engine.store(), &guess, now).await? {
        Guessed::Right(link) => {
            engine.limits().give_guess_back(&taken);
            Ok(*link)
        }
        Guessed::Wrong => Err(invalid().into()),
        Guessed::Nothing => {
            engine.write_nothing().await?;
            Err(invalid().into())
        }
    }
}
