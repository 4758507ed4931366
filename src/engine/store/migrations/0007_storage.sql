-- Files that need not be pictures, nor public, nor anybody's. The bytes of a file lie in the files folder, under its
-- content_id: another one when they are replaced, so that a row never names bytes that are half of one file and half of another.

alter table buckets add column tags text not null default '[]';
create index buckets_user_id on buckets (user_id);

create table stored_files (
    id text primary key,
    -- A bucket with files in it cannot be deleted: of an upload and a deletion at once, one fails.
    bucket_id text not null references buckets (id),
    content_id text not null unique,
    file_name text not null,
    size bigint not null,
    mime_type text not null,
    -- Whether the bytes were encoded by us. No other file is ever public.
    is_picture bigint not null,
    is_public bigint not null,
    -- A JSON list.
    tags text not null default '[]',
    -- Null for files of the operator's program. No reference: a file outlives its owner until its bytes are removed.
    user_id text,
    uploaded_at bigint not null,
    updated_at bigint not null,
    unique (bucket_id, file_name)
);
insert into stored_files
    (id, bucket_id, content_id, file_name, size, mime_type, is_picture, is_public, user_id, uploaded_at, updated_at)
select f.id, f.bucket_id, f.id, f.file_name, f.size, f.mime_type, 1, b.is_public, f.user_id, f.uploaded_at, f.uploaded_at
from files f join buckets b on b.id = f.bucket_id;
drop table files;
alter table stored_files rename to files;
create index files_user_id on files (user_id);
-- What all files take together is read at every upload.
create index files_size on files (size);
