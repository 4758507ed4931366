//! The second step on the way to a page of another site, for somebody whose session began without it: the rule there asks for a
//! second factor, and theirs was switched on since, or in another browser ([`crate::access`]).
//!
//! A right code makes it a session in which the factor was shown, under a new token (SECURITY.md S32), and the way goes on. The page
//! that is wanted travels in the address and in a hidden input; [`forward_auth`] looks at it again before it leads anywhere (S51).

use askama::Template;

use super::authenticator::WRONG_APP_CODE;
use crate::{
    port::{Code, CodePlace, Outcome, Proof, ProofMethods, Proved},
    web::{
        error::PageError,
        form::{Fields, Form},
        forward_auth,
        notice::Notice,
        page::{Page, PageResult},
        typed::{Input, Typed},
        visit::Visit,
    },
};

/// Where it is.
pub(crate) const PATH: &str = "/forward-auth/second-step";

#[derive(Template)]
#[template(path = "pages/second_step.html")]
struct SecondStep {
    visit: Visit,
    wanted: String,
    methods: ProofMethods,
    /// Whether a code was sent, so that there is one to type.
    sent: bool,
    form: Form<Step>,
    send: Form<Wanted>,
}

/// The code, and the page that is wanted.
pub(crate) struct Step {
    code: String,
}

impl Fields for Step {
    const INPUTS: &'static [Input] = &[Input::Line("code"), Input::Line("to")];

    fn read(typed: &mut Typed) -> Self {
        Self { code: typed.line("code") }
    }
}

/// The page that is wanted, alone.
pub(crate) struct Wanted;

impl Fields for Wanted {
    const INPUTS: &'static [Input] = &[Input::Line("to")];

    fn read(_: &mut Typed) -> Self {
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
    SecondStep { visit, wanted, methods, sent, form: Form::blank(), send: Form::blank() }.ok()
}

pub(crate) async fn submit(visit: Visit, form: Form<Step>) -> PageResult {
    let wanted = form.value("to").to_owned();
    let prove =
        async |step: Step| -> Outcome<Proved> { visit.auth().prove(visit.caller(), Proof::Code(step.code)).await };
    match form.submit(prove).await? {
        Ok(proved) => {
            if let Proved::Session(session) = proved {
                let token = session.token.ok_or_else(|| PageError::broken("a proof without a new token"))?;
                visit.session().continue_with(&token);
            }
            Ok(visit.go(&forward_auth::with_page(forward_auth::ENTER, &wanted)))
        }
        Err(form) => {
            let methods = methods(&visit).await?;
            let sent = methods.code.is_some();
            let form = if sent { form } else { form.saying(Code::InvalidOneTimeCode, WRONG_APP_CODE) };
            form.again(|form| SecondStep { visit, wanted, methods, sent, form, send: Form::blank() })
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
            send.again(|send| SecondStep { visit, wanted, methods, sent: false, form: Form::blank(), send })
        }
    }
}

async fn methods(visit: &Visit) -> Result<ProofMethods, PageError> {
    Ok(visit.auth().proof_methods(visit.caller()).await?)
}

impl SecondStep {
    /// Where a code goes: to the phone of the second factor.
    fn place(&self) -> Option<&str> {
        match self.methods.code.as_ref()? {
            CodePlace::Phone(place) => Some(place),
            CodePlace::Mailbox(_) => None,
        }
    }

    /// Whether there is a code to type: one that was sent, or that of the app.
    fn has_code(&self) -> bool {
        self.sent || self.methods.authenticator
    }
}
