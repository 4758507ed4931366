//! One-time notice after the redirect that follows an action.

use serde::{Deserialize, Serialize};

/// A sentence that waits in the cookie for the next page. Typed, so that nobody can put words into
/// our mouth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Notice {
    SignInFirst,
    SessionEnded,
    SignedIn,
    SignedOut,
    EmailConfirmed,
    EmailChanged,
    EmailChangeRequested,
    EmailChangeLinkFailed,
    EmailSentAgain,
    EmailSentToNewAddress,
    LinkGone,
    CodeSent,
    CodeSentAgain,
    CodeAskedForAgain,
    BrowsersAskedAgain,
    CodeGone,
    KeyGone,
    PhoneChanged,
    PhoneConfirmed,
    RecoveryCodeUsed,
    SecondStepChanged,
    SignInGone,
    PasswordReset,
    TakenBack,
    PasswordChanged,
    NameChanged,
    PictureChanged,
    PictureRemoved,
    OtherSessionEnded,
    OtherSessionsEnded,
    ProveToConnect,
    ProviderConnected,
    ProviderDisconnected,
    ConnectionGone,
}

impl Notice {
    /// The sentence itself.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::SignInFirst => "Please sign in first.",
            Self::SessionEnded => "Your session has ended. Please sign in again.",
            Self::SignedIn => "You are signed in.",
            Self::SignedOut => "You are signed out.",
            Self::EmailConfirmed => "Your e-mail address is confirmed, and you are signed in.",
            Self::EmailChanged => "Your e-mail address was changed.",
            Self::EmailChangeRequested => {
                "We sent a mail to the new address. The change takes effect once you confirm it."
            }
            Self::EmailChangeLinkFailed => {
                "That link has expired, was used already, or the address was taken meanwhile. \
                    Nothing was changed."
            }
            Self::EmailSentAgain => {
                "If there is an account that waits for it, another email is on its way. It can \
                    take a few minutes to arrive."
            }
            Self::EmailSentToNewAddress => "An email is on its way to the corrected address.",
            Self::LinkGone => {
                "That link is no longer open in this browser. Please ask for a new one."
            }
            Self::CodeSent => "We sent a code to your phone.",
            Self::RecoveryCodeUsed => {
                "You signed in with a recovery code; it no longer works. Under “Second step” you \
                    see how many are left."
            }
            Self::SecondStepChanged => "Your second step was changed.",
            Self::BrowsersAskedAgain => "It will be asked for the second step again.",
            Self::KeyGone => {
                "The key that was shown is no longer good. Begin again with a new one."
            }
            Self::CodeSentAgain => "We sent another code. The former one no longer works.",
            Self::CodeAskedForAgain => {
                "If there is an account that waits for it, another code is on its way. The former \
                    one no longer works."
            }
            Self::CodeGone => {
                "No code is waited for in this browser any more. Please ask for a new one."
            }
            Self::PhoneConfirmed => "Your phone number is confirmed.",
            Self::PhoneChanged => "Your phone number was changed.",
            Self::SignInGone => "That sign-in took too long. Please sign in again.",
            Self::PasswordReset => "Your password was changed. Sign in with the new one.",
            Self::TakenBack => {
                "The account is yours again, and everybody is signed out. Choose a new password \
                    now."
            }
            Self::PasswordChanged => "Your password was changed. All other sessions were ended.",
            Self::NameChanged => "Your name was changed.",
            Self::PictureChanged => "Your picture was changed.",
            Self::PictureRemoved => "Your picture was removed.",
            Self::OtherSessionEnded => "That session was ended.",
            Self::ProveToConnect => {
                "There is an account with that address already. Sign in to it as usual, then you \
                    can connect the two."
            }
            Self::ProviderConnected => "Connected. From now on you can sign in with it.",
            Self::ProviderDisconnected => "Disconnected. It no longer signs in to your account.",
            Self::ConnectionGone => {
                "What waited to be connected is over, or belongs to another account. You can \
                    connect it here at any time."
            }
            Self::OtherSessionsEnded => "All other sessions were ended.",
        }
    }

    /// Whether it is good news; otherwise it is shown as a warning.
    pub(crate) fn is_good(self) -> bool {
        !matches!(
            self,
            Self::SignInFirst
                | Self::SessionEnded
                | Self::SignInGone
                | Self::LinkGone
                | Self::ProveToConnect
                | Self::ConnectionGone
                | Self::KeyGone
                | Self::CodeGone
                | Self::EmailChangeLinkFailed
        )
    }
}
