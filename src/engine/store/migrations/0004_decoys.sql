-- Written to where a letter would be queued if there were somebody to write to. Sixteen rows, so that few wait for each other.

create table decoys (
    id bigint primary key,
    written bigint not null
);
insert into decoys (id, written)
values (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0),
    (8, 0), (9, 0), (10, 0), (11, 0), (12, 0), (13, 0), (14, 0), (15, 0);
