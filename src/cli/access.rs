//! `vestibule access`: what the rules of forward authentication say about a page and a person, and
//! why.

use clap::Subcommand;
use secrecy::ExposeSecret;

use super::needs_database;
use crate::{
    access_rules::{AccessRules, AccessVerdict, Decision, Person},
    app::block_on,
    config::Config,
    engine::{store::Store, users::inspect},
    port::{Email, Failure, User},
    telemetry::say,
};

#[derive(Subcommand)]
pub(super) enum AccessCommand {
    /// Say whether somebody may open a page, and which rule says so. The status is 1 where they may
    /// not.
    Check {
        /// The page, as a browser shows it: https://app.example.com/reports
        url: String,
        /// The address of an account; without it, somebody who is not signed in.
        #[arg(long = "as", value_name = "EMAIL")]
        email: Option<String>,
    },
}

pub(super) fn run(config: &Config, command: AccessCommand) -> Result<(), String> {
    let AccessCommand::Check { url, email } = command;
    let access = &config.access;
    let asked = access.sites.page(&url).ok_or_else(|| {
        format!(
            "{url:?} is a page on no host of server.public_url and access.hosts. It is refused, \
                whatever the rules say."
        )
    })?;
    let signed_in_user = email.map(|email| account(config, &email)).transpose()?;
    // A session in which everything was shown that the account asks for at sign-in.
    let person =
        signed_in_user.as_ref().map(|user| Person { user, second_factor: user.second_factor });
    let decision = access.decide(&asked, person);
    say!("page     {}", asked.url());
    say!("person   {}", described(access, signed_in_user.as_ref()));
    say!("rule     {}", rule(access, &decision));
    let granted = decision.verdict == AccessVerdict::Granted;
    say!("answer   {}", sentence(&decision.verdict));
    if granted { Ok(()) } else { Err("they may not open it.".to_owned()) }
}

fn account(config: &Config, raw: &str) -> Result<User, String> {
    needs_database("access check --as", config)?;
    let email = Email::parse(raw).map_err(|_| format!("--as: {raw:?} is no e-mail address."))?;
    let found = block_on(async {
        let store = Store::open(config.database_url.expose_secret()).await?;
        let found = inspect::account_with(&store, &config.user_fields, &email).await;
        store.close().await;
        found
    });
    found
        .map_err(|error| {
            format!("database.url: the database cannot be read: {}.", Failure::from(error))
        })?
        .ok_or_else(|| format!("--as: there is no account with {email}."))
}

fn described(access: &AccessRules, signed_in_user: Option<&User>) -> String {
    let Some(signed_in_user) = signed_in_user else {
        return "somebody who is not signed in".to_owned();
    };
    let factor = if signed_in_user.second_factor { "a second factor" } else { "no second factor" };
    let groups = access.groups(signed_in_user);
    let groups = if groups.is_empty() {
        "in no group".to_owned()
    } else {
        format!("in {}", groups.join(", "))
    };
    format!(
        "{} with {factor}, {groups}",
        signed_in_user.email.as_deref().unwrap_or(&signed_in_user.id)
    )
}

fn rule(access: &AccessRules, decision: &Decision) -> String {
    match decision.rule {
        Some(place) => format!("number {} of access.rules: {}", place + 1, access.rules[place]),
        None if decision.verdict == AccessVerdict::Unclear => {
            "none: the path itself is refused".to_owned()
        }
        None => "none matches: members".to_owned(),
    }
}

fn sentence(verdict: &AccessVerdict) -> &'static str {
    match verdict {
        AccessVerdict::Granted => "200: they may open it",
        AccessVerdict::SignIn => "401, or the way to the sign-in page: they must sign in first",
        AccessVerdict::NeedsSecondFactor => "403: the rule wants an account with a second factor",
        AccessVerdict::ShowSecondFactor => {
            "403, or the way to the page that asks for it: the second factor was not shown yet"
        }
        AccessVerdict::NotInGroup => "403: the rule wants another group",
        AccessVerdict::Unclear => {
            "403: the path can be read as climbing, or holds what no honest page has in its address"
        }
    }
}
