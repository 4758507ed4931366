//! `vestibule access`: what the rules of forward authentication say about a page and a person, and why.

use clap::Subcommand;
use secrecy::ExposeSecret;

use super::needs_database;
use crate::{
    access::{Access, Decision, Person, Verdict},
    config::Config,
    engine::{lookup, store::Store},
    port::{Email, Failure, User},
    serve::block_on,
    telemetry::say,
};

#[derive(Subcommand)]
pub(super) enum AccessCommand {
    /// Say whether somebody may open a page, and which rule says so. The status is 1 where they may not.
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
            "{url:?} is a page on no host of server.public_url and access.hosts. It is refused, whatever the rules say."
        )
    })?;
    let member = email.map(|email| account(config, &email)).transpose()?;
    // A session in which everything was shown that the account asks for at sign-in.
    let person = member.as_ref().map(|user| Person { user, second_factor: user.second_factor });
    let decision = access.decide(&asked, person);
    say!("page     {}", asked.url());
    say!("person   {}", described(access, member.as_ref()));
    say!("rule     {}", rule(access, &decision));
    let granted = decision.verdict == Verdict::Granted;
    say!("answer   {}", sentence(&decision.verdict));
    if granted { Ok(()) } else { Err("they may not open it.".to_owned()) }
}

fn account(config: &Config, typed: &str) -> Result<User, String> {
    needs_database("access check --as", config)?;
    let email = Email::parse(typed).map_err(|_| format!("--as: {typed:?} is no e-mail address."))?;
    let found = block_on(async {
        let store = Store::open(config.database_url.expose_secret()).await?;
        let found = lookup::account_with(&store, &config.user_fields, &email).await;
        store.close().await;
        found
    });
    found
        .map_err(|error| format!("database.url: the database cannot be read: {}.", Failure::from(error)))?
        .ok_or_else(|| format!("--as: there is no account with {email}."))
}

fn described(access: &Access, member: Option<&User>) -> String {
    let Some(member) = member else { return "somebody who is not signed in".to_owned() };
    let factor = if member.second_factor { "a second factor" } else { "no second factor" };
    let groups = access.groups(member);
    let groups = if groups.is_empty() { "in no group".to_owned() } else { format!("in {}", groups.join(", ")) };
    format!("{} with {factor}, {groups}", member.email.as_deref().unwrap_or(&member.id))
}

fn rule(access: &Access, decision: &Decision) -> String {
    match decision.rule {
        Some(place) => format!("number {} of access.rules: {}", place + 1, access.rules[place]),
        None if decision.verdict == Verdict::Unclear => "none: the path itself is refused".to_owned(),
        None => "none matches: members".to_owned(),
    }
}

fn sentence(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Granted => "200: they may open it",
        Verdict::SignIn => "401, or the way to the sign-in page: they must sign in first",
        Verdict::NeedsSecondFactor => "403: the rule wants an account with a second factor",
        Verdict::ShowSecondFactor => {
            "403, or the way to the page that asks for it: the second factor was not shown yet"
        }
        Verdict::NotInGroup => "403: the rule wants another group",
        Verdict::Unclear => "403: the path can be read as climbing, or holds what no honest page has in its address",
    }
}
