#include "smgate/workload.hpp"

int main(int argc, char** argv) { return smgate::workload::smoke_main(argc, argv); }
