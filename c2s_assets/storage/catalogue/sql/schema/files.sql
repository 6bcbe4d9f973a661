create schema files;
use files;
