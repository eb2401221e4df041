from vvlm_utils.cli import main

main()
