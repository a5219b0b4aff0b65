// name: leaned-on
// topic: A drug
// about: The drug's measured responses with the most attention in the run.
// param drug: drug, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: cell_line string, tissue string, response integer, ln_ic50 float, rank integer, excess float
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(c:CellLine)
WHERE a.run_id = $run
OPTIONAL MATCH (d)-[t:TESTED_ON]->(c)
RETURN c.name AS cell_line, c.tissue AS tissue, max(t.response) AS response, avg(t.ln_ic50) AS ln_ic50,
       a.rank AS rank, a.excess AS excess
ORDER BY excess DESC, cell_line
LIMIT $limit
