-- One text for SQLite and PostgreSQL. Times are milliseconds since 1970 (UTC). Ids are 24 lower-case hexadecimal digits.

create table users (
    id text primary key,
    provider text not null,
    provider_user_id text not null,
    email text,
    email_verified_at bigint,
    -- PHC string. Null: nobody signs in with a password here.
    password_hash text,
    name text,
    profile_picture text,
    -- Digest of the ticket of the browser that signed up.
    browser_digest bytea,
    signed_up_at bigint not null,
    last_login_at bigint not null,
    updated_at bigint not null
);
create index users_email on users (email);

-- Who holds an address. One row for each account that proved its address, or that signed up while no proof was asked for.
-- A table and not a partial index, because `insert … on conflict do nothing` decides a race without an error.
create table held_emails (
    email text primary key,
    user_id text not null unique references users (id) on delete cascade,
    held_since bigint not null
);

create table sessions (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    token_digest bytea not null unique,
    started_at bigint not null,
    last_seen_at bigint not null,
    expires_at bigint not null,
    address text,
    user_agent text not null
);
create index sessions_user_id on sessions (user_id);
create index sessions_expires_at on sessions (expires_at);

-- The links that were mailed.
create table links (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    purpose text not null,
    -- The address it was mailed to, which is what it proves.
    email text not null,
    key_digest bytea not null unique,
    browser_digest bytea,
    -- 0: whoever follows it did not set the password of the account, so the password dies.
    keeps_password bigint not null,
    created_at bigint not null,
    expires_at bigint not null,
    spent_at bigint
);
create index links_user_id on links (user_id);
create index links_expires_at on links (expires_at);
