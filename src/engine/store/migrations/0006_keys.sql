-- Keys that the operator makes with `vestibule key`, beside the client keys of the settings.

-- Names of applications. Public: a page that uses one shows it to everybody.
create table client_keys (
    key text primary key,
    label text not null,
    -- One a line; empty means the origins of the public URL and the redirect URLs.
    origins text not null,
    redirect_url text,
    enforce_session bigint not null default 0,
    created_at bigint not null
);

-- Keys of the operator's own programs. Only the digest is kept (SECURITY.md S33).
create table api_keys (
    id text primary key,
    label text not null,
    digest bytea not null unique,
    created_at bigint not null,
    expires_at bigint
);
