-- The data keys, which everything stored is sealed and digested with, sealed themselves with each secret key that is set.

-- One row, with the id 1: of two first starts at once, the one that writes it makes the data keys.
create table data_keys (
    id bigint primary key,
    created_at bigint not null
);

create table key_envelopes (
    -- The public name of the secret key.
    fingerprint text primary key,
    sealed bytea not null,
    created_at bigint not null
);
