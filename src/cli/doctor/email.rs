//! The email server.

use std::time::Duration;

use super::Finding;
use crate::{config::Config, engine::outbox::Transport};

/// How long it may take to greet.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Greets the email server, with TLS and the account where those are set, and sends nothing.
pub(super) async fn inspect(config: &Config) -> Finding {
    let Some(url) = &config.smtp_url else {
        let folder = config.data_dir.join("outbox");
        return Finding::good("mail", format!("it goes to the folder {}", folder.display()));
    };
    let transport = match Transport::smtp(url, &config.mail_from, &config.name) {
        Ok(transport) => transport,
        Err(error) => return Finding::bad("mail", format!("mail.smtp_url: {error}")),
    };
    match tokio::time::timeout(TIMEOUT, transport.greet()).await {
        Ok(Ok(())) => Finding::good("mail", "the mail server greets us and takes our account"),
        Ok(Err(reason)) => Finding::bad(
            "mail",
            format!("the mail server does not take us: {reason}. Change mail.smtp_url"),
        ),
        Err(_) => Finding::bad(
            "mail",
            "the mail server does not answer. Change mail.smtp_url, or open the way to it",
        ),
    }
}
