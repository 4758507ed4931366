-- Buckets and files. The bytes of a file lie in the files folder, under its id.

create table buckets (
    id text primary key,
    name text not null unique,
    is_public bigint not null default 1,
    user_id text,
    created_at bigint not null,
    updated_at bigint not null
);
insert into buckets (id, name, is_public, user_id, created_at, updated_at)
values ('000000000000000000000001', 'root', 1, null, 0, 0);

create table files (
    id text primary key,
    bucket_id text not null references buckets (id) on delete cascade,
    file_name text not null,
    size bigint not null,
    mime_type text not null,
    -- No reference: a file outlives its owner until its bytes are removed.
    user_id text not null,
    uploaded_at bigint not null,
    unique (bucket_id, file_name)
);
create index files_user_id on files (user_id);
