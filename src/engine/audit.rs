//! The record of what matters to safety: who did what, from where, and what came of it (S82).
//!
//! One line for each operation that lets somebody in, changes how they get in, or ends it, in the
//! log under the target `vestibule::security`, with the id of the request around it. The account is
//! named by its id. What was typed is not in it: a password typed into the field for the address
//! would be kept for ever.

use std::future::Future;

use super::{
    Engine,
    rules::{Operation, RequiredProof},
    users::answers::EngineAnswer,
};
use crate::port::{Answer, Caller, Code, OperationError, Outcome};

const TARGET: &str = "vestibule::security";

/// Operations that let somebody in, beside those whose name says so.
const LETS_IN: [&str; 2] = ["get_auth_grant", "finish_where_begun"];

/// Result of the operation.
const OK: &str = "ok";
const SECOND_FACTOR: &str = "second_factor";
const REFUSED: &str = "refused";
const TOO_OFTEN: &str = "too_often";
const FAILED: &str = "failed";

/// An operation and who asks for it.
pub(super) struct Audited {
    operation: Operation,
    caller: Caller,
}

impl Audited {
    pub(super) fn on(operation: Operation, caller: &Caller) -> Self {
        // The device tokens of the browser stay with the verb.
        let caller = Caller {
            devices: Vec::new(),
            browser: None,
            user_agent: String::new(),
            ..caller.clone()
        };
        Self { operation, caller }
    }
}

impl Engine {
    /// As [`finish`](Self::finish), once the row of the operation allows it. Recorded where the row
    /// says so, also when the caller hangs up.
    pub(super) fn audited<T, F>(&self, audited: Audited, verb: impl FnOnce(Self) -> F) -> Answer<T>
    where
        T: EngineAnswer + Send + 'static,
        F: Future<Output = Outcome<T>> + Send + 'static,
    {
        let Audited { operation, caller } = audited;
        self.finish(|engine| {
            let work = verb(engine.clone());
            async move {
                let rule = operation.rule();
                // Looked up before the verb, for afterwards the session may be over.
                let current = match caller.session {
                    Some(_) => Some(engine.current(&caller).await),
                    None => None,
                };
                let user = current.as_ref().and_then(|current| current.as_ref().ok());
                let user = user.map(|current| current.signed_in_user.user.id.clone());
                let outcome = match engine.enforce(&rule, &caller, current) {
                    Ok(()) => work.await,
                    Err(refused) => Err(refused),
                };
                if rule.audited {
                    engine.write_audit_record(rule.name, &caller, user.as_deref(), &outcome);
                }
                outcome
            }
        })
    }

    /// Runs an operation that writes nothing, once its row allows it. A row without a proof leaves
    /// the session to the read, which looks it up in any case: a page costs one look-up.
    pub(super) fn guarded<T, F>(
        &self,
        operation: Operation,
        caller: Caller,
        read: impl FnOnce(Self, Caller) -> F + Send + 'static,
    ) -> Answer<T>
    where
        T: Send + 'static,
        F: Future<Output = Outcome<T>> + Send + 'static,
    {
        let engine = self.clone();
        Box::pin(async move {
            let rule = operation.rule();
            if rule.proof == RequiredProof::Nothing {
                engine.take_address_limit(&rule, &caller)?;
            } else {
                engine.enforce(&rule, &caller, Some(engine.current(&caller).await))?;
            }
            read(engine, caller).await
        })
    }

    fn write_audit_record<T: EngineAnswer>(
        &self,
        operation: &'static str,
        caller: &Caller,
        signed_in_user: Option<&str>,
        outcome: &Outcome<T>,
    ) {
        let result = result(outcome);
        if operation.starts_with("sign_in") || LETS_IN.contains(&operation) {
            self.0.sign_ins.count(operation, result);
        }
        let user =
            outcome.as_ref().ok().and_then(EngineAnswer::user_id).or(signed_in_user).unwrap_or("-");
        let address = caller.address.map_or_else(|| "-".to_owned(), |address| address.to_string());
        let code = match outcome {
            Err(OperationError::Rejected(refusal)) => {
                refusal.problems().first().map(|problem| name(problem.code))
            }
            _ => None,
        };
        let (code, channel) = (code.unwrap_or_default(), caller.channel);
        match result {
            OK | SECOND_FACTOR => {
                tracing::info!(target: TARGET, operation, result, user, address, ?channel)
            }
            _ => tracing::warn!(target: TARGET, operation, result, code, user, address, ?channel),
        }
    }
}

fn result<T: EngineAnswer>(outcome: &Outcome<T>) -> &'static str {
    match outcome {
        Ok(answer) if answer.is_challenge() => SECOND_FACTOR,
        Ok(_) => OK,
        Err(OperationError::Rejected(refusal)) if refusal.retry_after().is_some() => TOO_OFTEN,
        Err(OperationError::Rejected(_)) => REFUSED,
        Err(OperationError::Internal(_)) => FAILED,
    }
}

/// The name of a code, without what it holds.
fn name(code: Code) -> String {
    let shown = format!("{code:?}");
    shown.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}
