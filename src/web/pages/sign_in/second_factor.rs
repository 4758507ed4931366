//! The second factor on the way to a page of another site, for somebody whose session began without
//! it: the rule there asks for a second factor, and theirs was switched on since, or in another
//! browser ([`crate::access_rules`]).
//!
//! A right code makes it a session in which the factor was shown, under a new token (S32), and the
//! way goes on. The page that is wanted travels in the address and in a hidden input;
//! [`forward_auth`] looks at it again before it leads anywhere (S51).

use askama::Template;

use super::authenticator::WRONG_APP_CODE;
use crate::{
    port::{Code, CodeDestination, Outcome, Proof, ProofMethods, Reauthenticated},
    web::{
        error::PageError,
        forms::{
            form::{Form, FormFields},
            form_data::{FormData, Input},
        },
        forward_auth,
        request::visit::Visit,
        view::{
            notice::Notice,
            page::{Page, PageResult},
        },
    },
};

/// Where it is.
pub(crate) const PATH: &str = "/forward-auth/second-step";

#[derive(Template)]
#[template(path = "pages/second_step.html")]
struct SecondFactorPage {
    visit: Visit,
    wanted: String,
    methods: ProofMethods,
    /// Whether a code was sent, so that there is one to type.
    sent: bool,
    form: Form<SecondFactorForm>,
    send: Form<Wanted>,
}

/// The code, and the page that is wanted.
pub(crate) struct SecondFactorForm {
    code: String,
}

impl FormFields for SecondFactorForm {
    const INPUTS: &'static [Input] = &[Input::Line("code"), Input::Line("to")];

    fn read(form_data: &mut FormData) -> Self {
        Self { code: form_data.line("code") }
    }
}

/// The page that is wanted, alone.
pub(crate) struct Wanted;

impl FormFields for Wanted {
    const INPUTS: &'static [Input] = &[Input::Line("to")];

    fn read(_: &mut FormData) -> Self {
        Self
    }
}

pub(crate) async fn show(visit: Visit) -> PageResult {
    let wanted = forward_auth::wanted(&visit);
    if !forward_auth::asks_for_factor(&visit, &wanted)? {
        return Ok(visit.go(&forward_auth::with_page(forward_auth::ENTER, &wanted)));
    }
    let sent = forward_auth::query(visit.request(), "sent").is_some();
    let methods = methods(&visit).await?;
    SecondFactorPage { visit, wanted, methods, sent, form: Form::blank(), send: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<SecondFactorForm>) -> PageResult {
    let wanted = form.value("to").to_owned();
    let reauthenticate = async |step: SecondFactorForm| -> Outcome<Reauthenticated> {
        visit.auth().reauthenticate(visit.caller(), Proof::Code(step.code)).await
    };
    match form.submit(reauthenticate).await? {
        Ok(proved) => {
            if let Reauthenticated::Session(session) = proved {
                let token = session
                    .token
                    .ok_or_else(|| PageError::broken("a proof without a new token"))?;
                visit.session().continue_with(&token);
            }
            Ok(visit.go(&forward_auth::with_page(forward_auth::ENTER, &wanted)))
        }
        Err(form) => {
            let methods = methods(&visit).await?;
            let sent = methods.code.is_some();
            let form =
                if sent { form } else { form.saying(Code::InvalidOneTimeCode, WRONG_APP_CODE) };
            form.again(|form| SecondFactorPage {
                visit,
                wanted,
                methods,
                sent,
                form,
                send: Form::blank(),
            })
        }
    }
}

/// Sends a code to the phone.
pub(crate) async fn send(visit: Visit, form: Form<Wanted>) -> PageResult {
    let wanted = form.value("to").to_owned();
    match form.submit(async |Wanted| visit.auth().send_proof_code(visit.caller()).await).await? {
        Ok(()) => {
            let path = format!("{}&sent=1", forward_auth::with_page(PATH, &wanted));
            Ok(visit.go_saying(&path, Notice::CodeSent))
        }
        Err(send) => {
            let methods = methods(&visit).await?;
            send.again(|send| SecondFactorPage {
                visit,
                wanted,
                methods,
                sent: false,
                form: Form::blank(),
                send,
            })
        }
    }
}

async fn methods(visit: &Visit) -> Result<ProofMethods, PageError> {
    Ok(visit.auth().proof_methods(visit.caller()).await?)
}

impl SecondFactorPage {
    /// Where a code goes: to the phone of the second factor.
    fn destination(&self) -> Option<&str> {
        match self.methods.code.as_ref()? {
            CodeDestination::Phone(destination) => Some(destination),
            CodeDestination::Mailbox(_) => None,
        }
    }

    /// Whether there is a code to type: one that was sent, or that of the app.
    fn has_code(&self) -> bool {
        self.sent || self.methods.authenticator
    }
}
