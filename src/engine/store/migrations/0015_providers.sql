-- Sign-in with a provider.

-- Whose identities they are. Never found by address or name (SECURITY.md S25).
create table identities (
    issuer text not null,
    subject text not null,
    user_id text not null references users (id) on delete cascade,
    -- The provider's name in the settings.
    provider text not null,
    -- By which the owner knows it again on the account page: the address, or the name there.
    shown_as text,
    created_at bigint not null,
    last_used_at bigint not null,
    primary key (issuer, subject)
);
create index identities_user_id on identities (user_id);

-- Journeys to a provider that have not come back yet. One row is one answer.
create table oauth_starts (
    state_digest bytea primary key,
    provider text not null,
    -- The browser that began: its answer is taken from no other.
    browser_digest bytea not null,
    -- Whose account it shall be connected to; null: a sign-in.
    user_id text references users (id) on delete cascade,
    -- Nonce and PKCE verifier, sealed.
    secrets bytea not null,
    -- Where the browser goes in the end.
    redirect_url text,
    expires_at bigint not null
);
create index oauth_starts_expires_at on oauth_starts (expires_at);

-- What a journey that came back is worth: an access token, spent once.
create table oauth_grants (
    token_digest bytea primary key,
    user_id text not null references users (id) on delete cascade,
    browser_digest bytea not null,
    expires_at bigint not null
);
create index oauth_grants_expires_at on oauth_grants (expires_at);

-- Identities that wait for the account's own proof: somebody holds their address here already.
create table oauth_offers (
    token_digest bytea primary key,
    user_id text not null references users (id) on delete cascade,
    issuer text not null,
    subject text not null,
    provider text not null,
    shown_as text,
    expires_at bigint not null
);
create index oauth_offers_expires_at on oauth_offers (expires_at);
create index oauth_offers_user_id on oauth_offers (user_id);
