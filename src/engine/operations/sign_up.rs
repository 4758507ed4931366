//! Signing up with an address and a password.

use serde_json::{Map, Value};

use super::{
    complete_first_factor::{SignInMethod, create_session},
    notify::asked_by,
};
use crate::{
    engine::{
        Engine,
        limits::{Lane, LimitedAction},
        links::{NewLink, Purpose},
        passwords,
        random::new_id,
        store::{StoreError, Transaction, values},
        users::accounts::{self, Account, NewAccount, parse_name},
    },
    port::{
        Caller, Code, Email, Failure, Field, Outcome, Password, Problem, Refusal, SignUpWithEmail,
        SignedUp, User,
    },
};

/// Looks at the sign-ups that wait. Another one may arrive between a look and the insert: then it
/// is looked at too, so that a request that comes twice at once makes one account (S111). After the
/// last look the sign-up is added in any case.
pub(super) const LOOKS: u32 = 4;

/// Makes an account. All that is wrong is told at once; a taken address, or one that a sign-up
/// waits for, costs the same hash as a free one (S04).
pub(in crate::engine) async fn sign_up_with_email(
    engine: &Engine,
    caller: &Caller,
    sign_up: SignUpWithEmail,
) -> Outcome<SignedUp> {
    let ValidatedSignUp { email, name, fields } = validate(engine, caller, &sign_up).await?;
    let vouched_for =
        caller.is_operator && sign_up.fields.get("emailVerified") == Some(&Value::Bool(true));
    let now = engine.now();
    engine.limits().take_from_caller(LimitedAction::SignUpFromAddress, caller, now)?;
    let waits_for_proof = engine.settings().confirm_email && !vouched_for;
    if waits_for_proof {
        engine.limits().take_email_to("sign-up", &email, Lane::Ordinary, now)?;
    }
    let user = User { email: Some(email.to_string()), ..new_user(engine, name, fields) };
    // Where a proof is asked for, this was taken above. Else it is for the notice that the address
    // is taken.
    let may_email = waits_for_proof
        || engine.limits().take_email_to("sign-up", &email, Lane::Ordinary, now).is_ok();
    for inspect in 1..=LOOKS {
        let waiting = newest_waiting(accounts::by_email(engine.store(), &email).await?);
        let seen = waiting.as_ref().map(|account| account.user.id.clone());
        let waiting = waiting.filter(|_| waits_for_proof);
        let (password_hash, repeated) = hash_beside(engine, waiting, &sign_up.password).await?;
        if let Some(account) = repeated {
            let user = User { name: user.name, fields: user.fields, ..account.user };
            return repeat(engine, caller, user, &email, may_email && inspect == 1).await;
        }
        let _change = engine.sessions().change(&user.id);
        let mut tx = engine.store().begin().await?;
        accounts::lock_sign_ups(&mut tx, email.as_str()).await?;
        if accounts::is_claimed(&mut tx, &email).await? {
            return taken(engine, tx, &email, may_email).await;
        }
        if inspect < LOOKS
            && waits_for_proof
            && accounts::newest_waiting(&mut tx, &email).await? != seen
        {
            continue;
        }
        let browser_digest =
            caller.browser.as_ref().map(|browser_id| engine.links().browser(browser_id));
        let new = NewAccount { user: &user, password_hash: Some(&password_hash), browser_digest };
        accounts::insert(&mut tx, &new).await?;
        accounts::note_signer(&mut tx, &user.id, engine.links().caller(caller), asked_by(caller))
            .await?;
        if !waits_for_proof {
            return begin_at_once(
                engine,
                caller,
                tx,
                user,
                &email,
                BeginAtOnce { vouched_for, may_email },
            )
            .await;
        }
        if may_email {
            engine
                .write_link(&mut tx, &first_link(caller, &user, &email), user.name.clone())
                .await?;
        }
        tx.commit().await?;
        return Ok(SignedUp { user, grant: None });
    }
    Err(Failure::broken("the last look at a sign-up ends it").into())
}

/// Newest account that waits for a proof.
pub(super) fn newest_waiting(accounts: Vec<Account>) -> Option<Account> {
    let waits = |account: &Account| {
        !(account.claims_email
            || account.claims_phone
            || account.user.email_verified
            || account.user.phone_verified)
    };
    accounts.into_iter().find(waits)
}

/// Hashes the password of a sign-up, and answers the account that waits if it has this very
/// password: then this is the same person once more, and a second account would only contest the
/// first ([`accounts::is_contested`]). One hash in any case (S04).
pub(super) async fn hash_beside(
    engine: &Engine,
    waiting: Option<Account>,
    password: &Password,
) -> Outcome<(String, Option<Account>)> {
    let former = waiting.as_ref().and_then(|account| account.password_hash.as_deref());
    let hashed = engine.hasher().hash_beside(password, former, engine.random()).await?;
    Ok((hashed.hash, waiting.filter(|_| hashed.is_same)))
}

/// Takes over what was typed this time.
pub(super) async fn rewrite(
    engine: &Engine,
    tx: &mut Transaction<'_>,
    caller: &Caller,
    user: &User,
) -> Result<(), StoreError> {
    let browser_digest =
        caller.browser.as_ref().map(|browser_id| engine.links().browser(browser_id));
    let sql = "update users set name = $2, fields = $3, browser_digest = $4, updated_at = $5 where \
        id = $1";
    let fields = Value::Object(user.fields.clone()).to_string();
    tx.execute(sql, values![&user.id, user.name.clone(), fields, browser_digest, engine.now()])
        .await?;
    accounts::note_signer(tx, &user.id, engine.links().caller(caller), asked_by(caller)).await
}

/// Signs up again: the same account with what was typed this time, and another link. One that came
/// at the same moment as the first is not emailed a second time.
async fn repeat(
    engine: &Engine,
    caller: &Caller,
    user: User,
    email: &Email,
    may_email: bool,
) -> Outcome<SignedUp> {
    let _change = engine.sessions().change(&user.id);
    let mut tx = engine.store().begin().await?;
    rewrite(engine, &mut tx, caller, &user).await?;
    if may_email {
        engine.write_link(&mut tx, &first_link(caller, &user, email), user.name.clone()).await?;
    }
    tx.commit().await?;
    Ok(SignedUp { user, grant: None })
}

/// The link that proves the address of a sign-up.
fn first_link<'a>(caller: &'a Caller, user: &'a User, email: &'a Email) -> NewLink<'a> {
    NewLink {
        purpose: Purpose::EmailConfirm,
        user_id: &user.id,
        email,
        caller,
        keeps_password: true,
        undo: None,
    }
}

/// A user who has neither address nor number yet.
pub(super) fn new_user(engine: &Engine, name: Option<String>, fields: Map<String, Value>) -> User {
    let (id, now) = (new_id(engine.random()), engine.now());
    User {
        provider: "altogic".to_owned(),
        provider_user_id: id.clone(),
        id,
        email: None,
        email_verified: false,
        phone: None,
        phone_verified: false,
        two_factor: false,
        second_factor: false,
        name,
        profile_picture: None,
        signed_up_at: now,
        last_login_at: now,
        fields,
    }
}

/// Validated input.
struct ValidatedSignUp {
    email: Email,
    name: Option<String>,
    fields: Map<String, Value>,
}

async fn validate(
    engine: &Engine,
    caller: &Caller,
    sign_up: &SignUpWithEmail,
) -> Outcome<ValidatedSignUp> {
    let email = Email::parse(&sign_up.email);
    let name = parse_name(sign_up.name.as_deref().unwrap_or_default());
    let settings = engine.settings();
    let personal = [
        sign_up.email.trim(),
        sign_up.name.as_deref().unwrap_or_default(),
        &*settings.product_name,
    ];
    let password = passwords::rate(engine, caller, &sign_up.password, &personal).await?;
    let (fields, wrong_fields) = match settings.user_fields.for_sign_up(caller, &sign_up.fields) {
        Ok(fields) => (fields, Vec::new()),
        Err(problems) => (Map::new(), problems),
    };
    let problem = |code: Option<Code>, field| code.map(|code| Problem { code, field: Some(field) });
    let problems = [
        problem(name.as_ref().err().copied(), Field::Name),
        problem(email.as_ref().err().copied(), Field::Email),
        problem(password.err(), Field::Password),
    ];
    Refusal::of_all(problems.into_iter().flatten().chain(wrong_fields).collect())?;
    let email = email.map_err(|code| Refusal::at(Field::Email, code))?;
    Ok(ValidatedSignUp {
        email,
        name: name.map_err(|code| Refusal::at(Field::Name, code))?,
        fields,
    })
}

/// Judges a password by the rules of a sign-up.
///
/// # Errors
/// What is wrong, at the password.
pub(super) async fn judge_password(
    engine: &Engine,
    caller: &Caller,
    password: &Password,
    personal: &[&str],
) -> Outcome<()> {
    let settings = engine.settings();
    let personal = [personal, &[&*settings.product_name]].concat();
    let rated = passwords::rate(engine, caller, password, &personal).await?;
    rated.map_err(|code| Refusal::at(Field::Password, code).into())
}

/// Tells the owner that somebody tried, then refuses.
async fn taken(
    engine: &Engine,
    mut tx: Transaction<'_>,
    email: &Email,
    may_email: bool,
) -> Outcome<SignedUp> {
    if may_email {
        engine.write(&mut tx, &engine.account_exists(), email).await?;
    }
    tx.commit().await?;
    Err(Refusal::at(Field::Email, Code::EmailNotUnique).into())
}

/// How an account begins that waits for no proof.
struct BeginAtOnce {
    /// The operator's program says that the address is proved.
    vouched_for: bool,
    may_email: bool,
}

/// Where no proof is asked for: whoever signs up first holds the address.
async fn begin_at_once(
    engine: &Engine,
    caller: &Caller,
    mut tx: Transaction<'_>,
    mut user: User,
    email: &Email,
    BeginAtOnce { vouched_for, may_email }: BeginAtOnce,
) -> Outcome<SignedUp> {
    let now = engine.now();
    if !accounts::claim_email(&mut tx, email, &user.id, now).await? {
        drop(tx);
        return taken(engine, engine.store().begin().await?, email, may_email).await;
    }
    if vouched_for {
        let sql = "update users set email_verified_at = $2 where id = $1";
        tx.execute(sql, values![&user.id, now]).await?;
        accounts::delete_waiting(&mut tx, email, &user.id).await?;
        user.email_verified = true;
    }
    let grant = create_session(engine, caller, tx, &user.id, SignInMethod::SignUp, None).await?;
    Ok(SignedUp { user: grant.user.clone(), grant: Some(grant) })
}
