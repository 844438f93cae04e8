-- Written by `lab export compose cart --name cart-microservices --port 8102 --profile cart-microservices --set placement=microservices --set checkout=saga --set database=postgres --set ownership=per-service --set events=kafka --set tracing=0.01`.
-- The first database is made by `POSTGRES_DB`.
CREATE DATABASE carts;
CREATE DATABASE orders;
CREATE DATABASE stock;
CREATE DATABASE vouchers;
CREATE DATABASE payments;
CREATE DATABASE notices;
